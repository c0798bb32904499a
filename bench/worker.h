/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that does one job after another, watched by the thread that waits for it. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

struct net;

/* NCCL's service and progress threads are such. */
struct worker {
	const char *name;
	struct net *net;		/* whose calls the thread makes */
	unsigned int timeout;		/* seconds */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int (*job)(void *arg);		/* NULL: idle */
	void *arg;
	int result;
	bool quit;
	void (*tick)(void *arg);	/* called by the thread that waits, some times a second; NULL: none */
	void *tick_arg;
	_Atomic uint64_t alive;		/* when the job last came round its loop, in ns */
};

uint64_t now_ns(void);

int worker_start(struct worker *worker, const char *name, struct net *net, unsigned int timeout,
		 struct failure *failure);
/*
 * Runs @job on the worker and waits for its result. A job that does not come round within the
 * timeout is given up with a failure that names the plugin's call it hangs in; the process cannot
 * use the worker after that.
 */
int worker_run(struct worker *worker, int (*job)(void *arg), void *arg, struct failure *failure);
void worker_stop(struct worker *worker);

/* Called by jobs each time round their loop. */
static inline void worker_beat(struct worker *worker, uint64_t now)
{
	atomic_store_explicit(&worker->alive, now, memory_order_relaxed);
}

#endif

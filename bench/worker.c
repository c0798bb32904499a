// SPDX-License-Identifier: BSD-3-Clause
/* A thread that does one job after another, and the watch over it. */
#include "worker.h"

#include <string.h>
#include <time.h>

#include "net.h"

#define TICK_NS 250000000L
#define SECOND_NS 1000000000L

/* Jobs have the timeout themselves and say more about what is stuck: the watch lets them speak first. */
#define WATCH_GRACE_NS 2000000000ULL

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void *loop(void *arg)
{
	struct worker *worker = arg;

	pthread_mutex_lock(&worker->lock);
	while (!worker->quit) {
		if (!worker->job) {
			pthread_cond_wait(&worker->changed, &worker->lock);
			continue;
		}
		pthread_mutex_unlock(&worker->lock);
		int result = worker->job(worker->arg);

		pthread_mutex_lock(&worker->lock);
		worker->result = result;
		worker->job = NULL;
		pthread_cond_broadcast(&worker->changed);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

int worker_start(struct worker *worker, const char *name, struct net *net, unsigned int timeout,
		 struct failure *failure)
{
	pthread_condattr_t attr;
	int ret;

	memset(worker, 0, sizeof(*worker));
	worker->name = name;
	worker->net = net;
	worker->timeout = timeout;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->changed, &attr);
	pthread_condattr_destroy(&attr);
	ret = pthread_create(&worker->thread, NULL, loop, worker);
	if (ret)
		return fail(failure, "cannot start the %s thread: %s", name, strerror(ret));
	return 0;
}

static bool overdue(const struct worker *worker)
{
	return now_ns() > atomic_load_explicit(&worker->alive, memory_order_relaxed) +
				  worker->timeout * 1000000000ULL + WATCH_GRACE_NS;
}

static void wait_a_while(struct worker *worker)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += worker->tick ? TICK_NS : SECOND_NS;
	until.tv_sec += until.tv_nsec / SECOND_NS;
	until.tv_nsec %= SECOND_NS;
	pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
}

int worker_run(struct worker *worker, int (*job)(void *arg), void *arg, struct failure *failure)
{
	int result = -1;

	pthread_mutex_lock(&worker->lock);
	worker_beat(worker, now_ns());
	worker->job = job;
	worker->arg = arg;
	pthread_cond_broadcast(&worker->changed);
	while (worker->job) {
		wait_a_while(worker);
		if (worker->job && worker->tick)
			worker->tick(worker->tick_arg);
		if (worker->job && overdue(worker)) {
			const char *inside = __atomic_load_n(&worker->net->inside, __ATOMIC_RELAXED);

			fail(failure, "the %s thread has not come back for %u s from %s%s",
			     worker->name, worker->timeout, inside ? "the plugin's " : "its job",
			     inside ? inside : "");
			pthread_mutex_unlock(&worker->lock);
			return -1;
		}
	}
	result = worker->result;
	pthread_mutex_unlock(&worker->lock);
	return result;
}

void worker_stop(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->quit = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* NCCL's proxy for one connection: moves slices between a FIFO and the plugin, without waiting. */
#ifndef BENCH_PROXY_H
#define BENCH_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "fifo.h"
#include "net.h"

/* All positions are in steps since the connection was made; a request is kept at its step modulo FIFO_STEPS. */
struct proxy_send {
	struct net *net;
	void *comm, *mhandle;
	struct fifo fifo;
	int channel, rank, peer;
	uint64_t goal;		/* the kernel will send up to here */
	uint64_t transmitted;	/* given to isend */
	uint64_t done;
	void *requests[FIFO_STEPS];
	uint64_t messages, empty, bytes;
};

struct proxy_recv {
	struct net *net;
	void *comm, *mhandle;
	struct fifo fifo;
	int channel, rank, peer;
	bool flush;		/* call iflush after every receive that brought bytes */
	uint64_t goal;
	uint64_t posted;	/* given to irecv */
	uint64_t received;	/* test said done */
	uint64_t flushed;	/* iflush is done as well */
	uint64_t done;		/* the kernel has used it */
	void *requests[FIFO_STEPS];
	void *flushes[FIFO_STEPS];
	uint64_t messages, bytes, flush_calls;
};

/* 1 when something moved, 0 when not, -1 on failure. */
int proxy_send_step(struct proxy_send *proxy, struct failure *failure);
int proxy_recv_step(struct proxy_recv *proxy, struct failure *failure);

static inline bool proxy_send_idle(const struct proxy_send *proxy)
{
	return proxy->done == proxy->goal;
}

static inline bool proxy_recv_idle(const struct proxy_recv *proxy)
{
	return proxy->done == proxy->goal;
}

/* What the proxy waits for, for a person: "" when for nothing. */
void proxy_send_describe(const struct proxy_send *proxy, char *text, size_t size);
void proxy_recv_describe(const struct proxy_recv *proxy, char *text, size_t size);

#endif

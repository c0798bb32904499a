/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The place where a NIC puts received payload for one device: memory, the queue bound to it, the
 * port that is steered there.
 *
 * Everything is in place before the port is told to anybody, so no connection ever needs a rule of
 * its own or a pause. A queue whose pool is empty stalls all its flows, so the receive buffers of
 * all flows together are kept smaller than the pool.
 */
#ifndef DEVMEM_POOL_H
#define DEVMEM_POOL_H

#include <pthread.h>

#include "devmem.h"
#include "lease.h"

#define POOL_MAX_STREAMS 1024

struct pool_stranger {
	struct sockaddr_storage from;
	int fd;
	int64_t deadline_ms;
};

struct pool {
	struct devmem_nic nic;
	struct devmem_exporter *exporter; /* the user's */
	struct devmem_mem *mem;
	struct lease *lease;
	struct devmem_binding *binding;
	struct devmem_rule rule;
	bool rule_added;
	struct sockaddr_storage address; /* of the steered port */
	int listener;
	size_t budget;	      /* bytes that all receive buffers may hold together */
	pthread_mutex_t lock; /* for what follows */
	unsigned int n_strangers;
	struct pool_stranger strangers[POOL_MAX_STREAMS]; /* connected, and not yet claimed */
	unsigned int n_streams;
	int streams[POOL_MAX_STREAMS]; /* claimed */
};

/* Sets all up; on failure nothing is left. Blocks for as long as the driver takes to restart a
 * queue. */
int pool_open(const struct devmem_nic *nic, struct devmem_exporter *exporter, size_t bytes,
	      const char *lease_dir, struct pool **pool, struct devmem_error *err);
/* Streams must have been given back before. */
void pool_close(struct pool *pool);

/*
 * The connected socket that came from @from, or -EAGAIN while it has not come. Any thread. The
 * stream goes back by pool_stream_gone() just before it is closed.
 */
int pool_claim(struct pool *pool, const struct sockaddr_storage *from);
void pool_stream_gone(struct pool *pool, int fd);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The place where a NIC puts received payload for one device: memory, the rx queues bound to it,
 * the ports that are steered there.
 *
 * Everything is in place before a port is told to anybody, so no connection ever needs a rule of
 * its own or a pause. A queue whose pool is empty stalls all its flows, so senders are only allowed
 * what the pool has pages for (budget.h).
 */
#ifndef DEVMEM_POOL_H
#define DEVMEM_POOL_H

#include <pthread.h>

#include "budget.h"
#include "claim.h"
#include "devmem.h"
#include "devmem_wire.h"

#define POOL_MAX_STRANGERS 1024

struct pool_options {
	size_t bytes;		     /* 0: by the formula of pool_size.h */
	unsigned int queues;	     /* at most; 0: by the same */
	unsigned int peer_timeout_s; /* of the connections to its ports, until a silent peer counts
					as dead */
	const char *lease_dir;
	const char
		*broker; /* where devmemd serves, that leases the queues; NULL: this process does */
};

struct pool_stranger {
	struct sockaddr_storage from;
	int fd;
	int64_t deadline_ms;
};

struct pool {
	struct devmem_nic nic;
	struct devmem_exporter *exporter; /* the user's */
	struct devmem_mem *mem;
	struct claim *claim;		/* queues, binding, ports, rules */
	struct devmem_binding *binding; /* of the claim */
	size_t page_payload; /* bytes of a full segment for each buffer that it takes */
	struct budget budget; /* of its buffers */
	bool said_small;      /* once is enough */
	pthread_mutex_t lock; /* for what follows */
	unsigned int n_strangers;
	struct pool_stranger strangers[POOL_MAX_STRANGERS]; /* connected, and not yet claimed */
};

/* Sets all up; on failure nothing is left. Blocks for as long as the driver takes to restart
 * queues. */
int pool_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
	      const struct pool_options *options, struct pool **pool, struct devmem_error *err);
/* Streams must have been closed before. */
void pool_close(struct pool *pool);

/* The connected socket that came from @from, which then is the caller's, or -EAGAIN while it has
 * not come. Any thread. */
int pool_claim(struct pool *pool, const struct sockaddr_storage *from);

#endif

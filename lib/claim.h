/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rx queues of one NIC that are one's own for a while: leased, bound to a dmabuf, and each with a
 * TCP port that is steered to it.
 *
 * Made by this process, which needs CAP_NET_ADMIN then, or by the broker for it (broker.h). What
 * the kernel does not undo at the end of a process, the journal of the leases names.
 */
#ifndef DEVMEM_CLAIM_H
#define DEVMEM_CLAIM_H

#include "devmem.h"
#include "devmem_wire.h"
#include "lease.h"

#ifdef __cplusplus
extern "C" {
#endif

struct claim_options {
	unsigned int queues;   /* at most, 1 to WIRE_STREAMS */
	int dmabuf_fd;	       /* may be closed afterwards */
	size_t receive_buffer; /* bytes, of the listening sockets */
	const char *lease_dir;
	uint32_t uid; /* whom the leases are for */
	bool guard;   /* the listening sockets go to somebody who is not trusted with the ports */
};

struct claim_queue {
	unsigned int queue;
	int listener; /* on the port that is steered to the queue */
	uint16_t port;
	struct lease *lease; /* NULL: the broker has it */
	int lock;	     /* of a lease that the broker has: a copy of its lock; else -1 */
	int guard;	     /* keeps the port taken, whatever becomes of the listener; else -1 */
	struct devmem_rule rule;
	bool ruled;
};

struct claim {
	struct devmem_nic nic;
	struct devmem_binding *binding;
	unsigned int n_queues;
	struct claim_queue queues[WIRE_STREAMS];
	int broker;  /* the connection that the claim hangs on; -1: it is this process' own */
	uint32_t id; /* the broker's name for it */
};

/*
 * Takes queues from the highest down, at least one; on failure nothing is left. Ports are on
 * nic->addr. -EBUSY: no queue is free. Blocks for as long as the driver takes to restart queues.
 */
int claim_open(const struct devmem_nic *nic, const struct claim_options *options,
	       struct claim **claim, struct devmem_error *err);
/* Accepts NULL. */
void claim_close(struct claim *claim);

/* For who fills a claim by other means: one without queues. NULL when out of memory. */
struct claim *claim_new(const struct devmem_nic *nic);

#ifdef __cplusplus
}
#endif

#endif

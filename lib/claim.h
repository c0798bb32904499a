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

#include "broker_wire.h"
#include "devmem.h"
#include "devmem_wire.h"
#include "lease.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CLAIM_SOCKETS BROKER_CONNECTORS

struct claim_options {
	unsigned int queues;	 /* at most, 1 to WIRE_STREAMS */
	int dmabuf_fd;		 /* may be closed afterwards */
	size_t buffer;		 /* bytes of each receive buffer (bind.h); 0: a page */
	unsigned int connectors; /* of each queue, at most CLAIM_SOCKETS; 0: it listens */
	size_t receive_buffer;	 /* bytes, of each socket */
	const char *lease_dir;
	uint32_t uid; /* whom the leases are for */
	bool guard;   /* the sockets go to somebody who is not trusted with the ports */
};

/*
 * On a port of its own that is steered to the queue. One that connects can do so again when a
 * connection is over: its port is bound by number, so the kernel leaves it to the socket.
 */
struct claim_socket {
	int fd;
	int guard;	   /* keeps the port taken, whatever becomes of fd; else -1 */
	uint32_t location; /* of its rule */
};

struct claim_queue {
	unsigned int queue;
	unsigned int n_sockets; /* one that listens, or those that connect */
	struct claim_socket sockets[CLAIM_SOCKETS];
	uint16_t port;		 /* of the first; the others have the ports after it */
	struct lease *lease;	 /* NULL when the broker holds it */
	int lock;		 /* else: a copy of the broker's lock; -1 */
	struct devmem_rule rule; /* of the first port */
	bool ruled;
};

struct claim {
	struct devmem_nic nic;
	struct devmem_binding *binding;
	size_t buffer; /* bytes of each receive buffer, at most what was asked for */
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

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The place where a NIC puts what one connection receives: device memory, leased queues bound to
 * it, header split and a rule that steers the connection there. All of it ends with
 * window_close(), and after kill -9 by the kernel and by whoever takes a lease on the NIC next.
 */
#ifndef DEVMEMCAT_WINDOW_H
#define DEVMEMCAT_WINDOW_H

#include "devmem.h"
#include "lease.h"
#include "options.h"
#include "split.h"

struct window {
	struct devmem_nic nic;
	struct devmem_mem *mem;
	unsigned int n_leases;
	struct lease *leases[QUEUE_LIST_MAX]; /* the first one's queue takes the connection */
	struct devmem_binding *binding;
	struct devmem_rule rule;
	bool rule_added;
	struct split *split; /* NULL with --no-setup */
	size_t budget;	     /* bytes that the receive buffer may hold */
};

/* Allocates, leases and binds, and switches header split on; on failure nothing is left. Blocks
 * while the driver restarts queues. */
int window_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
		const struct options *options, struct window **window, struct devmem_error *err);
/* Steers what comes to @local, address and port, into the window. Before listen() or connect(). */
int window_steer(struct window *window, const struct sockaddr_storage *local,
		 struct devmem_error *err);
unsigned int window_queue(const struct window *window);
/* Puts everything back; @err tells what could not be (its code is 0 otherwise). @window may be
 * NULL. */
void window_close(struct window *window, struct devmem_error *err);

#endif

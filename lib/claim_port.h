/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP ports of a claim's queue, and how they are kept from others. */
#ifndef DEVMEM_CLAIM_PORT_H
#define DEVMEM_CLAIM_PORT_H

#include "claim.h"

/* Opens the sockets of @queue on ports that no socket has; none listens yet. */
int claim_port_open(struct claim *claim, struct claim_queue *queue,
		    const struct claim_options *options, struct devmem_error *err);
void claim_port_close(struct claim_queue *queue);
/* After listen(), or where none will listen: from now on nobody else gets the ports as long as the
 * guards are open. */
int claim_port_shut(struct claim_queue *queue, struct devmem_error *err);
/* Sets *@fd to -1; accepts -1. */
void claim_close_descriptor(int *fd);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP port of a claim's queue, and how it is kept from others. */
#ifndef DEVMEM_CLAIM_PORT_H
#define DEVMEM_CLAIM_PORT_H

#include "claim.h"

/* Opens the listening socket of @queue on a port that no socket has; it does not listen yet. */
int claim_port_open(struct claim *claim, struct claim_queue *queue,
		    const struct claim_options *options, struct devmem_error *err);
/* After listen(): from now on nobody else gets the port as long as the guard is open. */
int claim_port_shut(struct claim_queue *queue, struct devmem_error *err);

#endif

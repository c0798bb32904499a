/* SPDX-License-Identifier: BSD-3-Clause */
/* One transfer between this machine and a peer, by a devmemcat on each. */
#ifndef DEVMEMCTL_PEER_STEP_H
#define DEVMEMCTL_PEER_STEP_H

#include "check.h"

struct peer_step {
	bool to_peer; /* the peer receives */
	enum devmem_mem_kind send_memory, receive_memory;
	/* What came of it. */
	double mb_per_s; /* received, 10^6 bytes */
	uint64_t rx_device, rx_linear, rx_plain, tx_device;
};

/* Transfers and waits, 60 s without progress at most. 0 or -errno with the reason, which devmemcat
 * or the remote shell has told on standard error as well. */
int peer_step_run(struct peer_step *step, const struct peer_options *options,
		  const char *own_address, const char *tools, struct devmem_error *err);

#endif

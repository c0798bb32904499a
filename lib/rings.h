/* SPDX-License-Identifier: BSD-3-Clause */
/* Header split and ring sizes of a NIC, by ethtool's netlink rings messages. */
#ifndef DEVMEM_RINGS_H
#define DEVMEM_RINGS_H

#include "devmem.h"

struct nic_rings {
	uint8_t tcp_data_split; /* DEVMEM_TCP_DATA_SPLIT_* */
	bool has_hds_thresh;	/* the kernel and the driver know of a threshold */
	uint32_t hds_thresh;	/* bytes; packets of at most so many are not split */
	uint32_t rx;		/* buffers of each rx ring, 0 when the driver does not tell */
};

int nic_rings_get(const char *ifname, struct nic_rings *rings, struct devmem_error *err);
/* Bytes of device memory that one rx ring keeps, a page for each buffer; 1,024 buffers are assumed
 * where the driver does not tell. */
size_t nic_ring_bytes(const char *ifname);

#endif

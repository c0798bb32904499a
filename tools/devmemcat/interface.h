/* SPDX-License-Identifier: BSD-3-Clause */
/* Which NIC a connection uses: by name, by local address, or the first that can be steered. */
#ifndef DEVMEMCAT_INTERFACE_H
#define DEVMEMCAT_INTERFACE_H

#include "devmem.h"

/* Fills @nic for the interface @name and its first address of @family (AF_UNSPEC: IPv4, then global
 * IPv6, then link-local IPv6). */
int interface_by_name(const char *name, int family, struct devmem_nic *nic,
		      struct devmem_error *err);
/* Fills @nic for the interface that has the address @local; its port does not matter. */
int interface_by_address(const struct sockaddr_storage *local, struct devmem_nic *nic,
			 struct devmem_error *err);
/* Fills @nic for the first interface that has flow steering, on. */
int interface_steerable(int family, struct devmem_nic *nic, struct devmem_error *err);

#endif

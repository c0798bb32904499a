/* SPDX-License-Identifier: BSD-3-Clause */
/* Which network interfaces the plugin offers, chosen as NCCL chooses its own. */
#ifndef PLUGIN_NICS_H
#define PLUGIN_NICS_H

#include "devmem.h"

/*
 * At most @max interfaces that @filter names, in the form of NCCL_SOCKET_IFNAME, which is taken
 * when
 * @filter is empty; NCCL_SOCKET_FAMILY and NCCL_COMM_ID have their say as in NCCL. Returns how
 * many, or -errno.
 */
int nics_choose(const char *filter, struct devmem_nic *nics, unsigned int max,
		struct devmem_error *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing network devices by name, as NCCL_SOCKET_IFNAME does. */
#ifndef DEVMEM_NIC_H
#define DEVMEM_NIC_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* True when @filter (see devmem_nic_list) takes the interface @name. An empty filter takes
 * everything. */
bool nic_filter_match(const char *filter, const char *name);
/* True for interfaces that are chosen only when nothing better is there: lo, docker*, virbr*. */
bool nic_is_last_resort(const char *name);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side scaling: where a NIC puts traffic that no steering rule catches. */
#ifndef DEVMEM_RSS_H
#define DEVMEM_RSS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * True when the NIC's main indirection table leads to @queue. Ordinary connections would then find
 * their payload in device memory, where they cannot read it (EFAULT). False when the driver has no
 * such table: it has its habits, and rules are all that there is.
 */
bool rss_leads_to(const char *ifname, unsigned int queue);

#ifdef __cplusplus
}
#endif

#endif

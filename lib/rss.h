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

/* Keeps what no rule catches to the first @queues queues, 1 or more, if the table leads beyond
 * them; for good, as ethtool -X does. Needs CAP_NET_ADMIN. 0 or -errno. */
int rss_limit(const char *ifname, unsigned int queues);

#ifdef __cplusplus
}
#endif

#endif

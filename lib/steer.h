/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow steering by ethtool's ioctl, beyond the public calls. */
#ifndef DEVMEM_STEER_H
#define DEVMEM_STEER_H

#include <stdbool.h>

/* True when the driver has a table of ntuple rules and the feature is switched on. */
bool steer_possible(const char *ifname);
/* The number of rx queues in use (ETHTOOL_GRXRINGS), 1 when the driver does not tell. */
unsigned int steer_rx_queues(const char *ifname);

#endif

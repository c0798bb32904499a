/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow steering by ethtool's ioctl, beyond the public calls. */
#ifndef DEVMEM_STEER_H
#define DEVMEM_STEER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct steer_table {
	bool there;	/* the driver has rules */
	bool on;	/* the feature ntuple is switched on */
	uint32_t rules; /* in the table */
	uint32_t slots; /* of it; 0: not told */
	uint32_t last;	/* the highest location in use */
};

void steer_look(const char *ifname, struct steer_table *table);

/* True when the driver has a table of ntuple rules and the feature is switched on. */
bool steer_possible(const char *ifname);
/* The number of rx queues in use (ETHTOOL_GRXRINGS), 1 when the driver does not tell. */
unsigned int steer_rx_queues(const char *ifname);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a learning switch knows: behind which port an Ethernet address was seen last. */
#ifndef GUEST_WIRES_TABLE_H
#define GUEST_WIRES_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ETHER_ADDRESS 6
#define ETHER_HEADER 14

/* All zeros: empty. An address has one place in it; whose place is taken is flooded, which is
 * slower and right. */
struct mac_table {
	struct mac_entry {
		uint8_t address[ETHER_ADDRESS];
		bool known;
		unsigned int port;
	} entries[1024];
};

/*
 * Learns @frame's sender, which is behind port @from of @ports (at most 32), and returns a bit for
 * each port that must get it: none for what is no Ethernet frame, or whose receiver is on @from.
 */
uint32_t mac_table_forward(struct mac_table *table, unsigned int ports, unsigned int from,
			   const uint8_t *frame, size_t len);

#ifdef __cplusplus
}
#endif
#endif

// SPDX-License-Identifier: BSD-3-Clause
/* A learning switch's table of addresses, and its decision about a frame. */
#include "table.h"

#include <string.h>

static bool is_group(const uint8_t *address)
{
	return address[0] & 1;
}

static struct mac_entry *place_of(struct mac_table *table, const uint8_t *address)
{
	uint32_t hash = 0;

	for (int i = 0; i < ETHER_ADDRESS; i++)
		hash = hash * 31 + address[i];
	return &table->entries[hash % (sizeof(table->entries) / sizeof(table->entries[0]))];
}

static void learn(struct mac_table *table, const uint8_t *address, unsigned int port)
{
	struct mac_entry *entry = place_of(table, address);

	memcpy(entry->address, address, ETHER_ADDRESS);
	entry->known = true;
	entry->port = port;
}

uint32_t mac_table_forward(struct mac_table *table, unsigned int ports, unsigned int from,
			   const uint8_t *frame, size_t len)
{
	const uint8_t *receiver = frame, *sender = frame + ETHER_ADDRESS;
	uint32_t others = (uint32_t)((UINT64_C(1) << ports) - 1) & ~(UINT32_C(1) << from);
	const struct mac_entry *entry;

	if (len < ETHER_HEADER || is_group(sender))
		return 0;
	learn(table, sender, from);
	if (is_group(receiver))
		return others;
	entry = place_of(table, receiver);
	if (!entry->known || memcmp(entry->address, receiver, ETHER_ADDRESS) != 0)
		return others;
	return UINT32_C(1) << entry->port & others;
}

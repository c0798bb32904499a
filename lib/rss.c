// SPDX-License-Identifier: BSD-3-Clause
/* Reads a NIC's main RSS indirection table (ETHTOOL_GRSSH). */
#include "rss.h"
#include "ethtool.h"

#include <linux/ethtool.h>
#include <stdint.h>
#include <stdlib.h>

bool rss_leads_to(const char *ifname, unsigned int queue)
{
	struct ethtool_rxfh sizes = {.cmd = ETHTOOL_GRSSH}, *table;
	bool found = false;

	if (ethtool_ioctl(ifname, &sizes) || !sizes.indir_size)
		return false;
	table = calloc(1, sizeof(*table) + sizes.indir_size * sizeof(uint32_t) + sizes.key_size);
	if (!table)
		return false;
	table->cmd = ETHTOOL_GRSSH;
	table->indir_size = sizes.indir_size;
	table->key_size = sizes.key_size;
	if (!ethtool_ioctl(ifname, table))
		for (uint32_t i = 0; i < sizes.indir_size && !found; i++)
			found = table->rss_config[i] == queue;
	free(table);
	return found;
}

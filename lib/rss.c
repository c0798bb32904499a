// SPDX-License-Identifier: BSD-3-Clause
/* Reads and narrows the main RSS indirection table of a NIC (ETHTOOL_GRSSH, ETHTOOL_SRSSH). */
#include "rss.h"
#include "ethtool.h"

#include <linux/ethtool.h>
#include <stdint.h>
#include <stdlib.h>

/* For free(). NULL when the driver has no table. */
static struct ethtool_rxfh *read_table(const char *ifname)
{
	struct ethtool_rxfh sizes = {.cmd = ETHTOOL_GRSSH}, *table;

	if (ethtool_ioctl(ifname, &sizes) || !sizes.indir_size)
		return NULL;
	table = calloc(1, sizeof(*table) + sizes.indir_size * sizeof(uint32_t) + sizes.key_size);
	if (!table)
		return NULL;
	table->cmd = ETHTOOL_GRSSH;
	table->indir_size = sizes.indir_size;
	table->key_size = sizes.key_size;
	if (!ethtool_ioctl(ifname, table))
		return table;
	free(table);
	return NULL;
}

bool rss_leads_to(const char *ifname, unsigned int queue)
{
	struct ethtool_rxfh *table = read_table(ifname);
	bool found = false;

	for (uint32_t i = 0; table && i < table->indir_size && !found; i++)
		found = table->rss_config[i] == queue;
	free(table);
	return found;
}

int rss_limit(const char *ifname, unsigned int queues)
{
	struct ethtool_rxfh *table = read_table(ifname);
	bool beyond = false;
	int ret = 0;

	for (uint32_t i = 0; table && i < table->indir_size; i++) {
		beyond |= table->rss_config[i] >= queues;
		table->rss_config[i] = i % queues;
	}
	if (beyond) {
		table->cmd = ETHTOOL_SRSSH;
		table->key_size = 0; /* stays as it is, and so does the function */
		table->hfunc = 0;
		ret = ethtool_ioctl(ifname, table);
	}
	free(table);
	return ret;
}

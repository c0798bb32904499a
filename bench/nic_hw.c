// SPDX-License-Identifier: BSD-3-Clause
/* The time that a software NIC spends on what hardware would do. */
#include "nic_hw.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ethtool.h"

static int count_stats(const char *nic, uint32_t *n)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int ret = ethtool_ioctl(nic, &info);

	*n = info.n_stats;
	return ret ? ret : *n ? 0 : -ENODEV;
}

static bool is_hw_ns(const char *name)
{
	static const char end[] = "_hw_ns";
	size_t len = strnlen(name, ETH_GSTRING_LEN);

	return len >= sizeof(end) - 1 &&
	       memcmp(name + len - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

static int sum_stats(const char *nic, struct ethtool_gstrings *names,
		     struct ethtool_stats *stats, uint64_t *ns)
{
	bool known = false;
	int ret = ethtool_ioctl(nic, names);

	if (!ret)
		ret = ethtool_ioctl(nic, stats);
	*ns = 0;
	for (uint32_t i = 0; !ret && i < names->len && i < stats->n_stats; i++) {
		if (!is_hw_ns((const char *)names->data + (size_t)i * ETH_GSTRING_LEN))
			continue;
		known = true;
		*ns += stats->data[i];
	}
	return ret ? ret : known ? 0 : -ENODEV;
}

int nic_hw_ns(const char *nic, uint64_t *ns)
{
	struct ethtool_gstrings *names;
	struct ethtool_stats *stats;
	uint32_t n;
	int ret = count_stats(nic, &n);

	if (ret)
		return ret;
	names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	stats = calloc(1, sizeof(*stats) + n * sizeof(stats->data[0]));
	ret = -ENOMEM;
	if (names && stats) {
		*names = (struct ethtool_gstrings){
			.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = n};
		*stats = (struct ethtool_stats){.cmd = ETHTOOL_GSTATS, .n_stats = n};
		ret = sum_stats(nic, names, stats, ns);
	}
	free(names);
	free(stats);
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Whether a feature of a NIC can be switched, as `ethtool -k` shows it. */
#include "ethtool.h"
#include "facts.h"

#include <linux/ethtool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS(features) (((features) + 31) / 32)

/* The names of all features, for free(); the place in the list is the feature's number. */
static struct ethtool_gstrings *read_names(const char *ifname)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t count;
	} sets = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1 << ETH_SS_FEATURES}};
	struct ethtool_gstrings *names;

	if (ethtool_ioctl(ifname, &sets) || !sets.info.sset_mask)
		return NULL;
	names = calloc(1, sizeof(*names) + (size_t)sets.count * ETH_GSTRING_LEN);
	if (!names)
		return NULL;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = sets.count;
	if (!ethtool_ioctl(ifname, names))
		return names;
	free(names);
	return NULL;
}

static bool is_available(const char *ifname, uint32_t n, uint32_t number)
{
	struct ethtool_gfeatures *all = calloc(1,
					       sizeof(*all) + BLOCKS(n) * sizeof(all->features[0]));
	bool available = false;

	if (!all)
		return false;
	all->cmd = ETHTOOL_GFEATURES;
	all->size = BLOCKS(n);
	if (!ethtool_ioctl(ifname, all))
		available = all->features[number / 32].available & 1u << number % 32;
	free(all);
	return available;
}

bool facts_feature_fixed(const char *ifname, const char *feature)
{
	struct ethtool_gstrings *names = read_names(ifname);
	bool fixed = true;

	for (uint32_t i = 0; names && i < names->len; i++)
		if (!strncmp((const char *)names->data + i * ETH_GSTRING_LEN, feature,
			     ETH_GSTRING_LEN))
			fixed = !is_available(ifname, names->len, i);
	free(names);
	return fixed;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Looks at a NIC: rings, steering rules, rx queues and who has them. */
#include "ethtool.h"
#include "facts.h"
#include "rss.h"

#include <linux/ethtool.h>
#include <stdlib.h>

#define FLAG_NTUPLE (1u << 27) /* ETH_FLAG_NTUPLE of the legacy flags */

static void look_at_locations(struct nic_facts *nic)
{
	struct ethtool_rxnfc *all = calloc(1, sizeof(*all) + nic->rules * sizeof(uint32_t));

	if (!all)
		return;
	all->cmd = ETHTOOL_GRXCLSRLALL;
	all->rule_cnt = nic->rules;
	if (!ethtool_ioctl(nic->nic.name, all)) {
		nic->rules_max = (uint32_t)all->data;
		for (uint32_t i = 0; i < nic->rules && i < all->rule_cnt; i++)
			if (all->rule_locs[i] > nic->last_rule)
				nic->last_rule = all->rule_locs[i];
	}
	free(all);
}

static void look_at_rules(struct nic_facts *nic)
{
	struct ethtool_rxnfc count = {.cmd = ETHTOOL_GRXCLSRLCNT};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};

	nic->ntuple = !ethtool_ioctl(nic->nic.name, &flags) && (flags.data & FLAG_NTUPLE);
	nic->ntuple_fixed = facts_feature_fixed(nic->nic.name, "rx-ntuple-filter");
	nic->rule_table = !ethtool_ioctl(nic->nic.name, &count);
	if (!nic->rule_table)
		return;
	nic->rules = count.rule_cnt;
	look_at_locations(nic);
}

static void look_at_queues(struct nic_facts *nic)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	uint32_t id;

	if (!ethtool_ioctl(nic->nic.name, &channels)) {
		nic->combined = channels.max_combined;
		nic->max_queues = nic->combined ? channels.max_combined : channels.max_rx;
	}
	for (unsigned int queue = 0; queue < nic->nic.rx_queues; queue++) {
		if (rss_leads_to(nic->nic.name, queue))
			nic->spread_queues++;
		else if (!devmem_queue_binding(nic->nic.ifindex, queue, &id, NULL) && id)
			nic->bound++;
		else if (queue)
			nic->free++; /* queue 0 is ordinary traffic's in any case */
	}
}

void facts_nic(struct nic_facts *nic)
{
	(void)devmem_nic_probe(&nic->nic, &nic->caps, NULL);
	nic->rings_told = !nic_rings_get(nic->nic.name, &nic->rings, NULL);
	look_at_rules(nic);
	look_at_queues(nic);
	facts_gpu(nic);
}

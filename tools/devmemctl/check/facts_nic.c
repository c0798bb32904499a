// SPDX-License-Identifier: BSD-3-Clause
/* Looks at a NIC: rings, steering rules, rx queues and who has them. */
#include "ethtool.h"
#include "facts.h"
#include "rss.h"
#include "steer.h"

#include <linux/ethtool.h>

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
	steer_look(nic->nic.name, &nic->steering);
	nic->ntuple_fixed = facts_feature_fixed(nic->nic.name, "rx-ntuple-filter");
	look_at_queues(nic);
	facts_gpu(nic);
}

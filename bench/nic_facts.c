// SPDX-License-Identifier: BSD-3-Clause
/* What a network interface is: driver, speed and MTU. */
#include "nic_facts.h"

#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "devmem.h"
#include "ethtool.h"

/* In Mb/s; -1: unknown. The header's own ethtool_cmd_speed() shifts into a sign. */
static int speed_of(const struct ethtool_cmd *link)
{
	return (int)((uint32_t)link->speed_hi << 16 | link->speed);
}

/* By the kernel's calls, not by /sys, which may be that of another network namespace. */
void nic_facts_add(struct facts *facts, const char *nic)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ethtool_cmd link = { .cmd = ETHTOOL_GSET };
	char filter[DEVMEM_NIC_NAME + 1];
	struct devmem_nic found;

	if (strlen(nic) >= DEVMEM_NIC_NAME)
		return;
	if (ethtool_ioctl(nic, &info) == 0 && info.driver[0])
		facts_add(facts, "driver", info.driver);
	if (ethtool_ioctl(nic, &link) == 0 && speed_of(&link) > 0)
		facts_add_number(facts, "speed_mbps", speed_of(&link));
	snprintf(filter, sizeof(filter), "=%s", nic);
	if (devmem_nic_list(filter, AF_UNSPEC, &found, 1, NULL) == 1)
		facts_add_number(facts, "mtu", found.mtu);
}

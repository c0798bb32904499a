// SPDX-License-Identifier: BSD-3-Clause
/* What a NIC will be used for: decided in one function, from what was probed, told in one line. */
#include "plan.h"

#include <stdio.h>
#include <string.h>

/* What receiving to device memory needs, in the order in which a user would put it right. */
static const char *rx_obstacle(const struct devmem_nic_caps *caps)
{
	if (caps->spread)
		return "traffic of %s may come by several NICs, or by none of this network "
		       "namespace: name the NIC itself in NCCL_DEVMEM_IFNAME, or let a bond use "
		       "one member at a time (mode active-backup)";
	if (!caps->bind_rx)
		return "the kernel cannot bind device memory to a receive queue (netdev family "
		       "without bind-rx): use Linux 6.12 or later "
		       "with CONFIG_NET_DEVMEM";
	if (!caps->net_admin && !caps->broker)
		return "binding a receive queue needs CAP_NET_ADMIN in the initial user namespace, "
		       "or devmemd that leases one: systemctl start devmemd, or start the job with "
		       "the privilege (setcap, --cap-add=NET_ADMIN --userns=host)";
	if (!caps->netmem_rx)
		return "the driver cannot receive device memory, or the kernel was built "
		       "without CONFIG_NET_DEVMEM: drivers that can are in docs/hardware.md";
	if (!caps->header_split)
		return "header split is off: ethtool -G %s tcp-data-split on (ethtool 6.7 or "
		       "later)";
	if (!caps->ntuple)
		return "flow steering is off: ethtool -K %s ntuple on";
	return NULL;
}

static const char *tx_obstacle(const struct devmem_nic_caps *caps)
{
	if (!caps->bind_tx)
		return "the kernel cannot send device memory (netdev family without bind-tx): use "
		       "Linux 6.16 or later, or 6.12 with "
		       "this project's patches; data is copied to host memory before it is sent";
	if (caps->on_top)
		return "the interface with the address is on top of %s, and the kernel sends "
		       "device memory by the NIC itself only: data is copied to host memory before "
		       "it is sent; give the NIC an address of its own";
	if (!caps->netmem_tx)
		return "the driver of %s cannot send device memory: see docs/hardware.md; data is "
		       "copied to host memory before it is sent";
	return NULL;
}

static void note(struct plan *plan, const char *obstacle, const char *nic)
{
	char text[DEVMEM_ERROR_TEXT];
	size_t used = strlen(plan->reason);

	plan->fallback = true;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), obstacle, nic); /* from the tables above: at most one %s */
#pragma GCC diagnostic pop
	snprintf(plan->reason + used, sizeof(plan->reason) - used, "%s%s: %s", used ? "; " : "",
		 nic, text);
}

void plan_decide(enum plan_wish wish, enum devmem_mem_kind memory,
		 const struct devmem_nic_caps *caps, const char *nic, struct plan *plan)
{
	*plan = (struct plan){.rx = PLAN_RX_HOST, .tx = PLAN_TX_STAGED};
	if (wish == PLAN_WISH_HOST || memory == DEVMEM_MEM_HOST)
		return;
	if (rx_obstacle(caps))
		note(plan, rx_obstacle(caps), nic);
	else
		plan->rx = PLAN_RX_DEVICE;
	if (tx_obstacle(caps))
		note(plan, tx_obstacle(caps), nic);
	else
		plan->tx = PLAN_TX_DEVICE;
}

static void degrade(struct plan *plan, const struct devmem_error *why)
{
	size_t used = strlen(plan->reason);

	plan->fallback = true;
	snprintf(plan->reason + used, sizeof(plan->reason) - used, "%s%s", used ? "; " : "",
		 why->text);
}

void plan_degrade_rx(struct plan *plan, const struct devmem_error *why)
{
	plan->rx = PLAN_RX_HOST;
	degrade(plan, why);
}

void plan_degrade_tx(struct plan *plan, const struct devmem_error *why)
{
	plan->tx = PLAN_TX_STAGED;
	degrade(plan, why);
}

const char *plan_text(const struct plan *plan)
{
	static const char *const texts[2][2] = {
		[PLAN_RX_DEVICE] = {[PLAN_TX_DEVICE] =
					    "receive to device memory, send from device memory",
				    [PLAN_TX_STAGED] =
					    "receive to device memory, send by way of host memory"},
		[PLAN_RX_HOST] = {[PLAN_TX_DEVICE] =
					  "receive to host memory, send from device memory",
				  [PLAN_TX_STAGED] = "plain TCP by way of host memory"},
	};

	return texts[plan->rx][plan->tx];
}

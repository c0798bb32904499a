// SPDX-License-Identifier: BSD-3-Clause
/* Checks of a NIC: header split, steering, rx queues, MTU, sending, how far the GPU is. */
#include "finding.h"
#include "pool_size.h"
#include "uapi/devmem_uapi.h"

#include <stdio.h>
#include <string.h>

#define FULL_PERCENT 90 /* of a pool's pages that payload should fill */

/* "=eth1,eth2": the interfaces whose NICs receive to device memory. */
static void list_able(const struct facts *facts, char *text, size_t room)
{
	size_t used = 0;

	*text = '\0';
	for (unsigned int i = 0; i < facts->n_nics && used < room; i++)
		if (facts->nics[i].plan.rx == PLAN_RX_DEVICE)
			used += (size_t)snprintf(text + used, room - used, "%s%s", used ? "," : "=",
						 facts->nics[i].nic.ifname);
}

/* What no command gives to a NIC: it is bad where no other can do without it, else that it is used
 * is. */
static enum finding_level lacking(const struct facts *facts, struct finding *finding,
				  const char *advice)
{
	char able[FINDING_TEXT / 2];

	finding_advise(finding, "%s", advice);
	list_able(facts, able, sizeof(able));
	if (!*able)
		return FINDING_FAIL;
	finding_mend(finding, "export NCCL_DEVMEM_IFNAME=%s", able);
	return FINDING_WARN;
}

#define SEE_HARDWARE "drivers that can are in docs/hardware.md"

static bool path(const struct facts *facts, const struct nic_facts *nic, struct finding *finding)
{
	if (!nic->caps.spread)
		return false;
	return finding_set(finding,
			   lacking(facts, finding,
				   "name the NIC itself in NCCL_DEVMEM_IFNAME, or let a bond use "
				   "one member at a time (mode active-backup)"),
			   "traffic of %s may come by several NICs, or by none of this network "
			   "namespace",
			   nic->nic.ifname);
}

static bool driver_receive(const struct facts *facts, const struct nic_facts *nic,
			   struct finding *finding)
{
	if (!nic->caps.bind_rx)
		return false; /* kernel-receive has told */
	if (nic->caps.netmem_rx)
		return finding_set(finding, FINDING_OK,
				   "nothing says that the driver cannot receive device memory");
	return finding_set(finding,
			   lacking(facts, finding,
				   SEE_HARDWARE
				   "; or the kernel was built without CONFIG_NET_DEVMEM: grep "
				   "NET_DEVMEM /boot/config-$(uname -r)"),
			   "the driver of %s cannot receive device memory, or this kernel does it "
			   "for none",
			   nic->nic.name);
}

static bool header_split(const struct facts *facts, const struct nic_facts *nic,
			 struct finding *finding)
{
	const char *name = nic->nic.name;

	if (!nic->rings_told || nic->rings.tcp_data_split == DEVMEM_TCP_DATA_SPLIT_UNKNOWN) {
		return finding_set(finding, lacking(facts, finding, SEE_HARDWARE),
				   "the driver of %s knows no header split (tcp-data-split)", name);
	}
	if (nic->caps.header_split)
		return finding_set(finding, FINDING_OK, "header split is on");
	finding_mend_root(finding, true, "%sheader-split %s on", facts->tools, name);
	if (nic->rings.tcp_data_split == DEVMEM_TCP_DATA_SPLIT_ENABLED)
		return finding_set(finding, FINDING_FAIL,
				   "header split is on, but not of packets of up to %u bytes "
				   "(hds-thresh)",
				   nic->rings.hds_thresh);
	return finding_set(finding, FINDING_FAIL, "header split is off");
}

static bool steering(const struct facts *facts, const struct nic_facts *nic,
		     struct finding *finding)
{
	const char *name = nic->nic.name;

	if (nic->steering.on && nic->steering.there)
		return finding_set(finding, FINDING_OK, "flow steering is on");
	if (!nic->steering.on && !nic->ntuple_fixed) {
		finding_mend_root(finding, true, "ethtool -K %s ntuple on", name);
		return finding_set(finding, FINDING_FAIL, "flow steering (ntuple) is off");
	}
	return finding_set(finding, lacking(facts, finding, SEE_HARDWARE),
			   "the driver of %s has no steering rules", name);
}

static bool rule_table(const struct facts *facts, const struct nic_facts *nic,
		       struct finding *finding)
{
	const char *name = nic->nic.name;

	if (!nic->steering.on || !nic->steering.there)
		return false;
	if (!nic->steering.slots)
		return finding_set(finding, FINDING_OK, "%u steering rules", nic->steering.rules);
	if (nic->steering.rules < nic->steering.slots)
		return finding_set(finding, FINDING_OK, "%u of %u steering rules are taken",
				   nic->steering.rules, nic->steering.slots);
	finding_mend_root(finding, false, "ethtool -N %s delete %u", name, nic->steering.last);
	finding_advise(finding,
		       "a job takes a rule for each of its queues. Whose a rule is, only its "
		       "owner knows: ethtool -n %s lists them",
		       name);
	return finding_set(finding, FINDING_FAIL, "the table of steering rules is full: %u of %u",
			   nic->steering.rules, nic->steering.slots);
}

static unsigned int wanted_queues(const struct nic_facts *nic)
{
	return nic->max_queues > 16 ? 16 : nic->max_queues;
}

static bool no_free_queue(const struct nic_facts *nic, struct finding *finding)
{
	const char *name = nic->nic.name;
	unsigned int queues = nic->nic.rx_queues;

	if (nic->spread_queues > 1) {
		finding_mend_root(finding, true, "ethtool -X %s equal %u", name, queues / 2);
		return finding_set(finding, FINDING_FAIL,
				   "no rx queue is free: ordinary traffic is spread over %u of %u",
				   nic->spread_queues, queues);
	}
	finding_advise(finding, "devmemctl lease says who holds them");
	if (queues < nic->max_queues)
		finding_mend_root(finding, false, "ethtool -L %s %s %u", name,
				  nic->combined ? "combined" : "rx", nic->max_queues);
	return finding_set(finding, FINDING_FAIL,
			   "no rx queue is free: %u of %u have device memory of others bound",
			   nic->bound, queues);
}

static bool rx_queues(const struct facts *facts, const struct nic_facts *nic,
		      struct finding *finding)
{
	const char *name = nic->nic.name;
	unsigned int queues = nic->nic.rx_queues;

	if (nic->free)
		return finding_set(finding, FINDING_OK,
				   "%u of %u rx queues are free, a job takes %u", nic->free, queues,
				   pool_size_queues(&nic->nic));
	if (queues > 1)
		return no_free_queue(nic, finding);
	if (nic->max_queues <= 1)
		return finding_set(finding, lacking(facts, finding, SEE_HARDWARE),
				   "%s cannot have more than one rx queue, and ordinary traffic "
				   "needs that",
				   name);
	finding_mend_root(finding, false, "ethtool -L %s %s %u && ethtool -X %s equal %u", name,
			  nic->combined ? "combined" : "rx", wanted_queues(nic), name,
			  wanted_queues(nic) / 2);
	return finding_set(finding, FINDING_FAIL,
			   "%s has one rx queue, and ordinary traffic needs it", name);
}

static size_t payload(const struct nic_facts *nic, unsigned int mtu)
{
	size_t headers = (nic->nic.addr.ss_family == AF_INET6 ? 40 : 20) + 32;

	return mtu > headers ? mtu - headers : 0;
}

/* Pages that a full segment takes of the pool. */
static size_t pages(size_t bytes)
{
	return (bytes + POOL_PAGE_BYTES - 1) / POOL_PAGE_BYTES;
}

static bool mtu(const struct facts *facts, const struct nic_facts *nic, struct finding *finding)
{
	size_t bytes = payload(nic, nic->nic.mtu), room = pages(bytes) * POOL_PAGE_BYTES;
	size_t whole = bytes / POOL_PAGE_BYTES ? bytes / POOL_PAGE_BYTES : 1;
	size_t better = whole * POOL_PAGE_BYTES + (nic->nic.mtu - bytes);
	const char *ifname = nic->nic.ifname, *name = nic->nic.name;

	if (room && bytes * 100 >= room * FULL_PERCENT)
		return finding_set(finding, FINDING_OK,
				   "MTU %u: %zu bytes of payload in %zu page%s", nic->nic.mtu,
				   bytes, pages(bytes), pages(bytes) == 1 ? "" : "s");
	if (strcmp(ifname, name))
		finding_mend_root(finding, false,
				  "ip link set dev %s mtu %zu && ip link set dev %s mtu %zu", name,
				  better, ifname, better);
	else
		finding_mend_root(finding, false, "ip link set dev %s mtu %zu", ifname, better);
	finding_advise(finding, "on every host and switch between them");
	return finding_set(finding, FINDING_WARN,
			   "MTU %u: %zu bytes of payload fill %zu%% of the %zu page%s that they "
			   "take in the pool",
			   nic->nic.mtu, bytes, room ? bytes * 100 / room : 0, pages(bytes),
			   pages(bytes) == 1 ? "" : "s");
}

static bool sends(const struct facts *facts, const struct nic_facts *nic, struct finding *finding)
{
	if (!nic->caps.bind_tx)
		return false; /* the kernel's check has told */
	if (nic->caps.on_top) {
		finding_advise(finding, "give %s an address of its own", nic->nic.name);
		return finding_set(finding, FINDING_WARN,
				   "%s is on top of %s, and the kernel sends device memory by the "
				   "NIC itself only: what is sent is copied to host memory first",
				   nic->nic.ifname, nic->nic.name);
	}
	if (nic->caps.netmem_tx)
		return finding_set(finding, FINDING_OK, "the driver sends device memory");
	finding_advise(finding, SEE_HARDWARE);
	return finding_set(finding, FINDING_WARN,
			   "the driver of %s cannot send device memory: what is sent is copied to "
			   "host memory first",
			   nic->nic.name);
}

static bool gpu_distance(const struct facts *facts, const struct nic_facts *nic,
			 struct finding *finding)
{
	static const char *const names[] = {
		[PCI_PIX] = "PIX", [PCI_PXB] = "PXB", [PCI_PHB] = "PHB", [PCI_SYS] = "SYS"};
	const char *level = facts->gdr_level.value, *name = names[nic->distance];

	if (!nic->gpu[0])
		return false;
	if (nic->distance <= PCI_PXB || (level && !strcmp(level, "SYS")) ||
	    (level && nic->distance == PCI_PHB && !strcmp(level, "PHB")))
		return finding_set(finding, FINDING_OK, "the nearest GPU, %s, is at distance %s",
				   nic->gpu, name);
	finding_mend(finding, "export NCCL_NET_GDR_LEVEL=%s", name);
	finding_advise(finding, "a NIC and a GPU under one PCIe switch are faster "
				"(nvidia-smi topo -m)");
	return finding_set(finding, FINDING_FAIL,
			   "the nearest GPU, %s, is at distance %s: NCCL hands over host memory "
			   "beyond PXB",
			   nic->gpu, name);
}

const struct nic_check checks_nic[] = {
	{"path", path},
	{"driver-receive", driver_receive},
	{"header-split", header_split},
	{"steering", steering},
	{"rules", rule_table},
	{"rx-queues", rx_queues},
	{"mtu", mtu},
	{"driver-send", sends},
	{"gpu-distance", gpu_distance},
};
const unsigned int checks_nic_n = sizeof(checks_nic) / sizeof(checks_nic[0]);

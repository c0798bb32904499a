// SPDX-License-Identifier: BSD-3-Clause
/* Checks of the machine: kernel, privilege, device memory, whether there is a NIC at all. */
#include "finding.h"

#include <stdio.h>
#include <string.h>

#define OLDEST_WITH_BIND_RX 612

/* 612 for "6.12.38+deb12"; 0 when it is none. */
static unsigned int release_number(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 ? major * 100 + minor : 0;
}

static bool kernel_receive(const struct facts *facts, struct finding *finding)
{
	const char *release = facts->kernel.release;

	if (facts->kernel.bind_rx)
		return finding_set(finding, FINDING_OK,
				   "Linux %s can bind device memory to a receive queue", release);
	if (release_number(release) < OLDEST_WITH_BIND_RX) {
		finding_mend_root(finding, false, "apt-get install linux-image-6.12-amd64");
		finding_advise(
			finding,
			"this is Debian 12's command; then start the machine anew. Any Linux "
			"from 6.12 on does, with CONFIG_NET_DEVMEM; which drivers, see "
			"docs/hardware.md");
	} else {
		finding_advise(finding, "its configuration lacks CONFIG_NET_DEVMEM=y, which takes "
					"CONFIG_DMA_SHARED_BUFFER and CONFIG_PAGE_POOL");
	}
	return finding_set(finding, FINDING_FAIL,
			   "Linux %s cannot bind device memory to a receive queue: its netdev "
			   "family has no bind-rx",
			   release);
}

static bool kernel_send(const struct facts *facts, struct finding *finding)
{
	if (facts->kernel.bind_tx)
		return finding_set(finding, FINDING_OK, "Linux %s can send device memory",
				   facts->kernel.release);
	finding_advise(finding, "Linux 6.16 or later does, or 6.12 with this project's patches "
				"(kernel/README.md)");
	return finding_set(finding, FINDING_WARN,
			   "Linux %s cannot send device memory (netdev family without bind-tx): "
			   "what is sent is copied to host memory first",
			   facts->kernel.release);
}

static void mend_broker(const struct facts *facts, struct finding *finding)
{
	const struct privilege_facts *privilege = &facts->privilege;

	if (privilege->broker == BROKER_REFUSES)
		finding_mend_root(finding, false, "usermod -aG devmem %s", privilege->user);
	else if (privilege->systemd && !privilege->broker_named)
		finding_mend_root(finding, false, "systemctl enable --now devmemd.socket");
	else
		finding_mend_root(finding, false, "%sdevmemd --socket %s --allow-user %s &",
				  facts->tools, privilege->broker_path, privilege->user);
	finding_advise(finding,
		       privilege->broker == BROKER_REFUSES
			       ? "then log in anew; or give devmemd --allow-user"
			       : "or start the job with CAP_NET_ADMIN in the initial user "
				 "namespace (--cap-add=NET_ADMIN --userns=host of containers) and "
				 "NCCL_DEVMEM_BROKER unset; see docs/broker.md");
}

static bool privilege(const struct facts *facts, struct finding *finding)
{
	const struct privilege_facts *privilege = &facts->privilege;
	bool broker = privilege->broker == BROKER_SERVES;

	if (broker)
		return finding_set(finding, FINDING_OK, "devmemd at %s leases queues to user %s",
				   privilege->broker_path, privilege->user);
	if (privilege->net_admin && !privilege->broker_named)
		return finding_set(finding, FINDING_OK,
				   "CAP_NET_ADMIN in the initial user namespace: a job binds its "
				   "queues itself");
	if (privilege->broker == BROKER_NOT_ASKED) {
		finding_mend(finding, "unset NCCL_DEVMEM_BROKER");
		return finding_set(finding, FINDING_FAIL,
				   "user %s lacks CAP_NET_ADMIN, and NCCL_DEVMEM_BROKER=off "
				   "forbids to ask devmemd",
				   privilege->user);
	}
	mend_broker(facts, finding);
	if (privilege->broker == BROKER_REFUSES)
		return finding_set(finding, FINDING_FAIL, "%s", privilege->broker_said.text);
	if (privilege->net_admin)
		return finding_set(finding, FINDING_FAIL,
				   "NCCL_DEVMEM_BROKER names %s, where no devmemd answers",
				   privilege->broker_path);
	return finding_set(finding, FINDING_FAIL,
			   "user %s lacks CAP_NET_ADMIN, and no devmemd answers at %s",
			   privilege->user, privilege->broker_path);
}

static void mend_stand_in(const struct memory_facts *memory, struct finding *finding)
{
	const char *name = devmem_mem_kind_name(memory->kind);

	if (memory->no_node)
		finding_mend_root(finding, true, "modprobe %s", name);
	else if (memory->node_refused)
		finding_mend_root(finding, false, "chmod 666 /dev/%s", name);
	else if (memory->kind == DEVMEM_MEM_UDMABUF)
		finding_mend_root(finding, true,
				  "echo %zu > /sys/module/udmabuf/parameters/size_limit_mb",
				  (memory->bytes >> 20) + 1);
}

static bool device_memory(const struct facts *facts, struct finding *finding)
{
	const struct memory_facts *memory = &facts->memory;
	const char *name = devmem_mem_kind_name(memory->kind);

	if (memory->kind == DEVMEM_MEM_HOST) {
		finding_mend(finding, "unset NCCL_DEVMEM_MEMORY");
		return finding_set(finding, FINDING_FAIL,
				   "NCCL_DEVMEM_MEMORY=host: payload goes by host memory");
	}
	if (memory->usable)
		return finding_set(finding, FINDING_OK,
				   "%s: %zu MiB, a pool's, allocated and exported as a dmabuf",
				   name, memory->bytes >> 20);
	if (memory->kind == DEVMEM_MEM_CUDA)
		finding_advise(finding,
			       "CUDA 11.7 or later and NVIDIA's open kernel modules export GPU "
			       "memory (docs/hardware.md); without a GPU, "
			       "NCCL_DEVMEM_MEMORY=udmabuf stands in for one");
	else
		mend_stand_in(memory, finding);
	return finding_set(finding, FINDING_FAIL, "%s%s", memory->why.text,
			   memory->any ? ": payload would go by host memory" : "");
}

static bool found_nic(const struct facts *facts, struct finding *finding)
{
	char names[FINDING_TEXT / 2] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < facts->n_nics && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 facts->nics[i].nic.ifname);
	if (facts->n_nics)
		return finding_set(finding, FINDING_OK, "interfaces chosen as NCCL does: %s",
				   names);
	if (facts->devmem_ifname.value)
		finding_mend(finding, "unset NCCL_DEVMEM_IFNAME");
	else if (facts->ifname.value)
		finding_mend(finding, "unset NCCL_SOCKET_IFNAME");
	finding_advise(finding, "an interface counts when it is up and has an address: ip addr");
	return finding_set(finding, FINDING_FAIL, "%s", facts->no_nic.text);
}

const struct machine_check checks_machine[] = {
	{"kernel-receive", kernel_receive}, {"kernel-send", kernel_send}, {"privilege", privilege},
	{"device-memory", device_memory},   {"interface", found_nic},
};
const unsigned int checks_machine_n = sizeof(checks_machine) / sizeof(checks_machine[0]);

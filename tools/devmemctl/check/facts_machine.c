// SPDX-License-Identifier: BSD-3-Clause
/* Looks at kernel, privilege and device memory. */
#include "broker.h"
#include "facts.h"
#include "nl.h"
#include "uapi/devmem_uapi.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

void facts_kernel(struct facts *facts)
{
	struct utsname names;

	if (!uname(&names))
		snprintf(facts->kernel.release, sizeof(facts->kernel.release), "%s", names.release);
	facts->kernel.bind_rx = nl_call_has_command(DEVMEM_NETDEV_FAMILY,
						    DEVMEM_NETDEV_CMD_BIND_RX) > 0;
	facts->kernel.bind_tx = nl_call_has_command(DEVMEM_NETDEV_FAMILY,
						    DEVMEM_NETDEV_CMD_BIND_TX) > 0;
}

static void ask_broker(struct privilege_facts *privilege, const char *wish)
{
	const char *path = broker_choose(wish, privilege->net_admin);
	int ret;

	if (!path)
		return;
	privilege->broker_named = path == wish;
	snprintf(privilege->broker_path, sizeof(privilege->broker_path), "%s", path);
	ret = broker_hello(privilege->broker_path, &privilege->broker_said);
	privilege->broker = !ret				     ? BROKER_SERVES
			    : ret == -ENOENT || ret == -ECONNREFUSED ? BROKER_ABSENT
								     : BROKER_REFUSES;
}

void facts_privilege(struct facts *facts, const char *broker)
{
	struct privilege_facts *privilege = &facts->privilege;
	const struct devmem_nic lo = {.name = "lo", .ifname = "lo", .ifindex = 1};
	const struct passwd *entry = getpwuid(geteuid());
	struct devmem_nic_caps caps = {0};

	(void)devmem_nic_probe(&lo, &caps, NULL);
	privilege->net_admin = caps.net_admin;
	privilege->root = !geteuid();
	privilege->systemd = !access("/run/systemd/system", F_OK);
	if (entry)
		snprintf(privilege->user, sizeof(privilege->user), "%s", entry->pw_name);
	else
		snprintf(privilege->user, sizeof(privilege->user), "%u", geteuid());
	ask_broker(privilege, broker);
}

static void look_at_node(struct memory_facts *memory)
{
	char node[64];

	snprintf(node, sizeof(node), "/dev/%s", devmem_mem_kind_name(memory->kind));
	memory->no_node = access(node, F_OK);
	memory->node_refused = !memory->no_node && access(node, R_OK | W_OK);
}

void facts_memory(struct facts *facts, const struct params *params, size_t pool_bytes)
{
	struct memory_facts *memory = &facts->memory;
	struct devmem_exporter *exporter;
	struct devmem_mem *mem;

	memory->any = !params->memory;
	memory->kind = params_memory(params);
	memory->bytes = pool_bytes;
	if (memory->kind == DEVMEM_MEM_UDMABUF || memory->kind == DEVMEM_MEM_DMVRAM)
		look_at_node(memory);
	if (devmem_exporter_open(memory->kind, -1, &exporter, &memory->why))
		return;
	memory->usable = true;
	if (pool_bytes)
		memory->usable = !devmem_mem_alloc(exporter, pool_bytes, &mem, &memory->why);
	if (pool_bytes && memory->usable)
		devmem_mem_free(mem);
	devmem_exporter_close(exporter);
}

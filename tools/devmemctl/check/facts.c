// SPDX-License-Identifier: BSD-3-Clause
/* Gathers everything that devmemctl check judges, as the plugin itself would see it. */
#include "facts.h"
#include "nics.h"
#include "params.h"
#include "pool_size.h"
#include "rings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a variable of a wrong value makes known is said by the check of variables. */
__attribute__((format(printf, 4, 5))) static void silent(enum log_level level, const char *where,
							 int line, const char *fmt, ...)
{
}

/* Programs of this folder are named without it where the shell finds them. */
static void find_tools(struct facts *facts)
{
	char self[FACTS_PATH - 2], *list = strdup(getenv("PATH") ?: ""), *rest = list, *item;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 2);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	snprintf(facts->tools, sizeof(facts->tools), "%s/", self);
	while (slash && (item = strsep(&rest, ":")))
		if (!strcmp(item, self))
			facts->tools[0] = '\0';
	free(list);
}

static void list_nics(struct facts *facts, const char *filter)
{
	struct devmem_nic nics[FACTS_NICS];
	int n;

	facts->no_nic = (struct devmem_error){0};
	n = nics_choose(filter, nics, FACTS_NICS, &facts->no_nic);
	facts->n_nics = n > 0 ? (unsigned int)n : 0;
	for (unsigned int i = 0; i < facts->n_nics; i++) {
		facts->nics[i] = (struct nic_facts){.nic = nics[i]};
		facts_nic(&facts->nics[i]);
	}
}

static size_t pool_bytes(const struct facts *facts, const struct params *params)
{
	const struct nic_facts *nic = &facts->nics[0];
	unsigned int queues = params->queues ? (unsigned int)params->queues
					     : pool_size_queues(&nic->nic);

	if (params->pool_mb)
		return (size_t)params->pool_mb << 20;
	if (!facts->n_nics)
		return 1 << 20;
	return pool_size_bytes(&nic->nic, queues, nic_ring_bytes(nic->nic.name), false);
}

static void decide_plans(struct facts *facts)
{
	const struct memory_facts *memory = &facts->memory;
	enum devmem_mem_kind kind = memory->any && !memory->usable ? DEVMEM_MEM_HOST : memory->kind;

	for (unsigned int i = 0; i < facts->n_nics; i++) {
		struct nic_facts *nic = &facts->nics[i];

		nic->caps.broker = facts->privilege.broker == BROKER_SERVES;
		plan_decide(facts->plan_host ? PLAN_WISH_HOST : PLAN_WISH_AUTO, kind, &nic->caps,
			    nic->nic.name, &nic->plan);
	}
}

static void gather(struct facts *facts, bool try_memory)
{
	struct params params = {0};

	find_tools(facts);
	facts_settings(facts);
	facts_variables(&facts->variables);
	(void)params_read(&params, silent);
	facts->plan_host = params.plan;
	facts_kernel(facts);
	facts_privilege(facts, params.broker);
	list_nics(facts, params.ifname);
	facts_memory(facts, &params, try_memory ? pool_bytes(facts, &params) : 0);
	decide_plans(facts);
}

void facts_devices(struct facts *facts)
{
	gather(facts, false);
}

void facts_devices_again(struct facts *facts)
{
	struct params params = {0};

	(void)params_read(&params, silent);
	list_nics(facts, params.ifname);
	decide_plans(facts);
}

void facts_gather(struct facts *facts, const char *nccl)
{
	gather(facts, true);
	facts_firewall(&facts->firewall);
	facts_nccl(facts, nccl);
}

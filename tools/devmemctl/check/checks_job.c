// SPDX-License-Identifier: BSD-3-Clause
/* Checks of what a job starts with: firewall, NCCL, the plugin, variables that would bypass it. */
#include "finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OLDEST_NCCL 21300

static bool firewall(const struct facts *facts, struct finding *finding)
{
	const struct firewall_facts *firewall = &facts->firewall;

	if (!firewall->looked)
		return false;
	if (!firewall->chain[0])
		return finding_set(finding, FINDING_OK,
				   "no nf_tables chain drops what comes in by default (TCP ports "
				   "%u to %u are used)",
				   firewall->first_port, firewall->last_port);
	finding_mend_root(finding, false, "nft insert rule %s tcp dport %u-%u accept",
			  firewall->chain, firewall->first_port, firewall->last_port);
	finding_advise(finding, "if its rules let these ports in from the job's hosts already, "
				"all is well");
	return finding_set(finding, FINDING_WARN,
			   "the nf_tables chain '%s' drops by default, and jobs listen on TCP "
			   "ports %u to %u",
			   firewall->chain, firewall->first_port, firewall->last_port);
}

/* The interface that NCCL asks a plugin for; docs: NCCL's ext-net headers of each release. */
static unsigned int abi_of(int version)
{
	static const struct {
		int since;
		unsigned int abi;
	} releases[] = {{23003, 12}, {22800, 11}, {22600, 10},	   {22400, 9},
			{22000, 8},  {21900, 7},  {OLDEST_NCCL, 6}};

	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		if (version >= releases[i].since)
			return releases[i].abi;
	return 0;
}

static bool nccl(const struct facts *facts, struct finding *finding)
{
	const struct nccl_facts *nccl = &facts->nccl;
	unsigned int abi = abi_of(nccl->version);

	if (!nccl->path[0]) {
		finding_advise(finding, "frameworks bring their own: give its path with --nccl "
					"(find / -name 'libnccl.so*')");
		return finding_set(finding, FINDING_WARN, "the loader finds no libnccl.so.2");
	}
	if (!nccl->version)
		return finding_set(finding, FINDING_WARN, "%s does not tell its version",
				   nccl->path);
	if (abi > nccl->highest_abi && nccl->highest_abi)
		abi = nccl->highest_abi;
	if (abi)
		return finding_set(finding, FINDING_OK,
				   "NCCL %d.%d.%d (%s) takes ncclNetPlugin_v%u",
				   nccl->version / 10000, nccl->version / 100 % 100,
				   nccl->version % 100, nccl->path, abi);
	finding_advise(finding, "NCCL 2.13 is the first that takes one of the plugin's interfaces");
	return finding_set(finding, FINDING_FAIL, "NCCL %d (%s) is too old", nccl->version,
			   nccl->path);
}

static bool plugin(const struct facts *facts, struct finding *finding)
{
	const struct nccl_facts *nccl = &facts->nccl;

	if (nccl->highest_abi)
		return finding_set(finding, FINDING_OK, "%s has ncclNetPlugin_v%u to v%u",
				   nccl->plugin, nccl->lowest_abi, nccl->highest_abi);
	if (nccl->plugin_beside[0])
		finding_mend(finding,
			     "export LD_LIBRARY_PATH=%s${LD_LIBRARY_PATH:+:"
			     "$LD_LIBRARY_PATH}",
			     nccl->plugin_beside);
	finding_advise(finding, "NCCL_NET_PLUGIN may be the path of the file, from NCCL 2.21 on");
	return finding_set(finding, FINDING_FAIL, "the loader has no plugin for NCCL: %s",
			   nccl->plugin_error);
}

static void mend_setting(struct finding *finding, const char *name,
			 const struct setting_facts *setting)
{
	if (setting->file[0])
		finding_mend(finding, "sed -i '/^%s=/d' %s", name, setting->file);
	else
		finding_mend(finding, "unset %s", name);
}

static const char *source(const struct setting_facts *setting)
{
	return setting->file[0] ? setting->file : "environment";
}

/* True when the item of a comma list that begins at @item is the plugin, as a name or a file. */
static bool is_devmem(const char *item)
{
	size_t length = strcspn(item, ",");
	const char *slash = memrchr(item, '/', length);
	const char *file = slash ? slash + 1 : item;

	length -= (size_t)(file - item);
	return (length == 6 && !strncmp(file, "devmem", 6)) ||
	       (length >= 21 && !strncmp(file, "libnccl-net-devmem.so", 21));
}

static bool net_plugin(const struct facts *facts, struct finding *finding)
{
	const char *value = facts->net_plugin.value;

	if (value && is_devmem(value))
		return finding_set(finding, FINDING_OK, "NCCL_NET_PLUGIN=%s (%s)", value,
				   source(&facts->net_plugin));
	if (facts->net_plugin.file[0])
		finding_mend(finding, "sed -i 's/^NCCL_NET_PLUGIN=.*/NCCL_NET_PLUGIN=devmem/' %s",
			     facts->net_plugin.file);
	else
		finding_mend(finding, "export NCCL_NET_PLUGIN=devmem");
	if (!value)
		return finding_set(finding, FINDING_FAIL,
				   "NCCL_NET_PLUGIN is not set: NCCL looks for libnccl-net.so");
	return finding_set(finding, FINDING_FAIL,
			   "NCCL_NET_PLUGIN=%s (%s): NCCL asks for another plugin first", value,
			   source(&facts->net_plugin));
}

static bool net(const struct facts *facts, struct finding *finding)
{
	const char *value = facts->net.value;

	if (!value || !*value || !strcasecmp(value, "devmem"))
		return false;
	mend_setting(finding, "NCCL_NET", &facts->net);
	return finding_set(finding, FINDING_FAIL, "NCCL_NET=%s (%s) makes NCCL use that", value,
			   source(&facts->net));
}

static bool gdr_level(const struct facts *facts, struct finding *finding)
{
	const char *value = facts->gdr_level.value;

	if (!value || (strcmp(value, "LOC") && strcmp(value, "0")))
		return false;
	mend_setting(finding, "NCCL_NET_GDR_LEVEL", &facts->gdr_level);
	return finding_set(finding, FINDING_FAIL,
			   "NCCL_NET_GDR_LEVEL=%s (%s): NCCL hands over host memory only", value,
			   source(&facts->gdr_level));
}

static bool dmabuf_enable(const struct facts *facts, struct finding *finding)
{
	const char *value = facts->dmabuf_enable.value;

	if (!value || strcmp(value, "0"))
		return false;
	mend_setting(finding, "NCCL_DMABUF_ENABLE", &facts->dmabuf_enable);
	return finding_set(finding, FINDING_FAIL,
			   "NCCL_DMABUF_ENABLE=0 (%s): NCCL hands over host memory only",
			   source(&facts->dmabuf_enable));
}

static bool plan(const struct facts *facts, struct finding *finding)
{
	if (!facts->plan_host)
		return false;
	mend_setting(finding, "NCCL_DEVMEM_PLAN", &facts->devmem_plan);
	return finding_set(finding, FINDING_FAIL, "NCCL_DEVMEM_PLAN=host (%s): plain TCP",
			   source(&facts->devmem_plan));
}

/* "unset NCCL_DEVMEM_A NCCL_DEVMEM_B" */
static void mend_variables(struct finding *finding, const char names[][FACTS_WORD], unsigned int n)
{
	size_t used = (size_t)snprintf(finding->mend, sizeof(finding->mend), "unset");

	for (unsigned int i = 0; i < n && i < FACTS_VARIABLES && used < sizeof(finding->mend); i++)
		used += (size_t)snprintf(finding->mend + used, sizeof(finding->mend) - used, " %s",
					 names[i]);
}

static bool invalid(const struct facts *facts, struct finding *finding)
{
	const struct variable_facts *variables = &facts->variables;

	if (!variables->n_invalid)
		return false;
	mend_variables(finding, variables->invalid, variables->n_invalid);
	finding_advise(finding, "devmemctl params shows what values may be");
	return finding_set(finding, FINDING_FAIL,
			   "%s has a value that cannot be, and NCCL falls back to another network",
			   variables->invalid[0]);
}

static bool unknown(const struct facts *facts, struct finding *finding)
{
	const struct variable_facts *variables = &facts->variables;
	const char *nearest = variables->nearest[0];

	if (!variables->n_unknown)
		return false;
	mend_variables(finding, variables->unknown, variables->n_unknown);
	return finding_set(finding, FINDING_WARN,
			   "%s is not a variable of the plugin and has no effect%s%s%s",
			   variables->unknown[0], *nearest ? "; did you mean " : "", nearest,
			   *nearest ? "?" : "");
}

const struct machine_check checks_job[] = {
	{"firewall", firewall},
	{"nccl", nccl},
	{"plugin", plugin},
	{"NCCL_NET_PLUGIN", net_plugin},
	{"NCCL_NET", net},
	{"NCCL_NET_GDR_LEVEL", gdr_level},
	{"NCCL_DMABUF_ENABLE", dmabuf_enable},
	{"NCCL_DEVMEM_PLAN", plan},
	{"variables", invalid},
	{"misspelt", unknown},
};
const unsigned int checks_job_n = sizeof(checks_job) / sizeof(checks_job[0]);

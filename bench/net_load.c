// SPDX-License-Identifier: BSD-3-Clause
/* Finds and loads a net plugin by NCCL's rules. */
#include <dlfcn.h>
#include <link.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "net_abi.h"

static const struct version {
	int abi;
	const char *symbol;
	void (*adapt)(const void *table, ncclNet_v12_t *ops);
} versions[] = {
	{ 12, "ncclNetPlugin_v12", net_adapt_v12 },
	{ 11, "ncclNetPlugin_v11", net_adapt_v11 },
	{ 10, "ncclNetPlugin_v10", net_adapt_v10 },
	{ 9, "ncclNetPlugin_v9", net_adapt_v9 },
	{ 8, "ncclNetPlugin_v8", net_adapt_v8 },
};

/* NCCL's own rule: a path or a lib*.so is taken as it stands, anything else is also tried as a short name. */
static bool is_file_name(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') ||
	       (strncmp(name, "lib", 3) == 0 && len > 3 && strcmp(name + len - 3, ".so") == 0);
}

static void *open_library(const char *name, struct failure *failure)
{
	char path[PATH_MAX], first[512];
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	if (library)
		return library;
	snprintf(first, sizeof(first), "%s", dlerror());
	if (!is_file_name(name)) {
		snprintf(path, sizeof(path), "libnccl-net-%s.so", name);
		library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (library)
			return library;
		snprintf(first, sizeof(first), "%s", dlerror());
	}
	fail(failure,
	     "cannot load net plugin '%s': %s; give its path by --plugin, or its folder in LD_LIBRARY_PATH",
	     name, first);
	return NULL;
}

static void note_file(struct net *net)
{
	struct link_map *map;

	if (dlinfo(net->library, RTLD_DI_LINKMAP, &map) == 0)
		snprintf(net->file, sizeof(net->file), "%s", map->l_name);
}

int net_load(struct net *net, const char *name, int abi, struct failure *failure)
{
	memset(net, 0, sizeof(*net));
	net->library = open_library(name, failure);
	if (!net->library)
		return -1;
	note_file(net);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		const void *table;

		if (abi && versions[i].abi != abi)
			continue;
		table = dlsym(net->library, versions[i].symbol);
		if (!table)
			continue;
		net->abi = versions[i].abi;
		net->table = table;
		net->adapt = versions[i].adapt;
		net->adapt(table, &net->ops);
		return 0;
	}
	net_unload(net);
	if (abi)
		return fail(
			failure,
			"net plugin '%s' has no symbol ncclNetPlugin_v%d: leave out --abi to take the highest it has",
			name, abi);
	return fail(failure,
		    "net plugin '%s' has none of ncclNetPlugin_v8 to _v12: is it a net plugin?",
		    name);
}

ncclResult_t net_init(struct net *net, void **ctx)
{
	ncclNetCommConfig_t config = { .trafficClass = NCCL_NET_TRAFFIC_CLASS_UNDEF };
	ncclResult_t result = net_call(net, init, ctx, 1, &config, net_logger, NULL);

	net->adapt(net->table, &net->ops);
	return result;
}

void net_unload(struct net *net)
{
	if (net->library)
		dlclose(net->library);
	net->library = NULL;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Finds NCCL and the plugin as the loader would in a job with this environment. */
#include "facts.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN "libnccl-net-devmem.so"
#define OLDEST_ABI 6
#define NEWEST_ABI 12

static void path_of(void *library, char *path, size_t room)
{
	struct link_map *map;

	if (!dlinfo(library, RTLD_DI_LINKMAP, &map))
		snprintf(path, room, "%s", map->l_name);
}

static void look_at_nccl(struct nccl_facts *nccl, const char *path)
{
	void *library = dlopen(path ? path : "libnccl.so.2", RTLD_LAZY | RTLD_LOCAL);
	int (*get_version)(int *);

	if (!library)
		return;
	path_of(library, nccl->path, sizeof(nccl->path));
	get_version = (int (*)(int *))(uintptr_t)dlsym(library, "ncclGetVersion");
	if (get_version && get_version(&nccl->version))
		nccl->version = 0;
	dlclose(library);
}

/* NCCL_NET_PLUGIN may be a path; any other form stands for the file's usual name. */
static const char *plugin_file(const char *net_plugin)
{
	return net_plugin && *net_plugin == '/' && !strchr(net_plugin, ',') ? net_plugin : PLUGIN;
}

static void look_at_plugin(struct nccl_facts *nccl, const char *file)
{
	void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);

	if (!library) {
		snprintf(nccl->plugin_error, sizeof(nccl->plugin_error), "%s", dlerror());
		return;
	}
	path_of(library, nccl->plugin, sizeof(nccl->plugin));
	for (unsigned int abi = OLDEST_ABI; abi <= NEWEST_ABI; abi++) {
		char symbol[32];

		snprintf(symbol, sizeof(symbol), "ncclNetPlugin_v%u", abi);
		if (!dlsym(library, symbol))
			continue;
		if (!nccl->lowest_abi)
			nccl->lowest_abi = abi;
		nccl->highest_abi = abi;
	}
	if (!nccl->highest_abi)
		snprintf(nccl->plugin_error, sizeof(nccl->plugin_error),
			 "%s has no ncclNetPlugin symbol", nccl->plugin);
	dlclose(library);
}

/* Where the plugin lies if it was built or installed with this program. */
static void look_beside(struct nccl_facts *nccl)
{
	static const char *const folders[] = {"../lib", "../lib/x86_64-linux-gnu", "."};
	char self[PATH_MAX], path[PATH_MAX + 64], real[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s/" PLUGIN, self, folders[i]);
		if (access(path, R_OK))
			continue;
		*strrchr(path, '/') = '\0';
		if (realpath(path, real))
			snprintf(nccl->plugin_beside, sizeof(nccl->plugin_beside), "%.*s",
				 FACTS_PATH - 1, real);
		return;
	}
}

void facts_nccl(struct facts *facts, const char *nccl)
{
	look_at_nccl(&facts->nccl, nccl);
	look_at_plugin(&facts->nccl, plugin_file(facts->net_plugin.value));
	if (!facts->nccl.highest_abi)
		look_beside(&facts->nccl);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Finds and loads a net plugin by NCCL's rules. */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "net.h"
#include "net_abi.h"

#define COPY_BYTES ((size_t)1 << 30)	/* of a call: as much as the kernel likes */

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

static int copy_file(const char *path, int to)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (from < 0)
		return -1;
	while ((n = sendfile(to, from, NULL, COPY_BYTES)) > 0)
		;
	close(from);
	return n < 0 ? -1 : 0;
}

/* The loader knows a file again by its inode, a name by its text: the descriptor stays open, so that no other copy has its name. */
static void *open_copy(struct net *net, struct failure *failure)
{
	char path[64];
	void *library;

	net->copy = memfd_create("net-plugin", MFD_CLOEXEC);
	if (net->copy < 0 || copy_file(net->file, net->copy)) {
		fail(failure, "cannot copy %s, to load it once more: %m", net->file);
		return NULL;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", net->copy);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fail(failure, "cannot load a copy of %s: %s", net->file, dlerror());
	return library;
}

static void note_file(struct net *net)
{
	struct link_map *map;

	if (dlinfo(net->library, RTLD_DI_LINKMAP, &map) == 0)
		snprintf(net->file, sizeof(net->file), "%s", map->l_name);
}

/* NULL when @name cannot be loaded, with dlerror()'s words. */
static void *open_name(struct net *net, const char *name, struct failure *failure)
{
	void *before = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);

	net->library = before ? before : dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!net->library)
		return NULL;
	note_file(net);
	if (before) {
		net->library = open_copy(net, failure);
		dlclose(before);
	}
	return net->library;
}

static int open_library(struct net *net, const char *name, struct failure *failure)
{
	char path[PATH_MAX];

	if (open_name(net, name, failure))
		return 0;
	if (!is_file_name(name)) {
		snprintf(path, sizeof(path), "libnccl-net-%s.so", name);
		if (open_name(net, path, failure))
			return 0;
	}
	return fail(failure,
		    "cannot load net plugin '%s': %s; give its path by --plugin, or its folder in LD_LIBRARY_PATH",
		    name, dlerror());
}

int net_load(struct net *net, const char *name, int abi, struct failure *failure)
{
	memset(net, 0, sizeof(*net));
	net->copy = -1;
	if (open_library(net, name, failure))
		return -1;
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
	if (net->copy >= 0)
		close(net->copy);
	net->copy = -1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A loaded net plugin, whatever version of the interface it has: seen as the newest. */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <limits.h>

#include "failure.h"
#include "nccl/net_v12.h"

struct net {
	void *library;
	char file[PATH_MAX];		/* where it was found */
	int copy;			/* descriptor of a copy of the file, which was loaded instead; or -1 */
	const void *table;		/* the plugin's own */
	void (*adapt)(const void *table, ncclNet_v12_t *ops);
	int abi;			/* 8 to 12; 0: no plugin was loaded */
	ncclNet_v12_t ops;		/* members that the plugin lacks are NULL */
	const char *inside;		/* the call that has not come back; the watching thread reads it */
};

/* The table of the plugin that this thread calls: adapters of older versions have no other way to know it. */
extern __thread const void *net_table;

/* Calls net->ops.call(...), so that a watching thread can tell where a plugin hangs. */
#define net_call(net, call, ...) \
	({ \
		ncclResult_t result_; \
		net_table = (net)->table; \
		__atomic_store_n(&(net)->inside, #call, __ATOMIC_RELAXED); \
		result_ = (net)->ops.call(__VA_ARGS__); \
		__atomic_store_n(&(net)->inside, (const char *)NULL, __ATOMIC_RELAXED); \
		result_; \
	})

/*
 * Loads @name as NCCL does NCCL_NET_PLUGIN: as it is, then as libnccl-net-<name>.so. @abi forces a
 * version of the interface, 0 takes the highest that the plugin has. A plugin that this process has
 * loaded already is loaded once more from a copy of its file, and so has a state of its own.
 */
int net_load(struct net *net, const char *name, int abi, struct failure *failure);
/* The plugin's init. Members of its table are what they are afterwards, as NCCL takes them. */
ncclResult_t net_init(struct net *net, void **ctx);
void net_unload(struct net *net);

/* The logger that plugins are given: WARN always, more as NCCL_DEBUG says (NONE, WARN, INFO, TRACE). */
extern const ncclDebugLogger_t net_logger;
void net_logger_set_rank(int rank);

#endif

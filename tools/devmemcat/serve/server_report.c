// SPDX-License-Identifier: BSD-3-Clause
/* What is told of a server's work. */
#include "server.h"

#include "clock.h"
#include "figures.h"

struct serve_figures {
	struct serve_counts counts;
	uint64_t now, hits, misses, evicted;
	double seconds, cpu_seconds;
};

static const struct figure counts[] = {
#define COUNT(key, label, member)                                  \
	{                                                          \
		key, label, offsetof(struct serve_figures, member) \
	}
	COUNT("clients", "clients", counts.clients),
	COUNT("clients_now", "clients that are connected", now),
	COUNT("clients_dropped", "clients dropped", counts.dropped),
	COUNT("requests", "requests", counts.requests),
	COUNT("requests_refused", "requests refused", counts.refused),
	COUNT("tx_device", "file bytes sent from device memory", counts.tx_device),
	COUNT("tx_host", "file bytes sent from host memory", counts.tx_host),
	COUNT("tx_heads", "bytes of heads and lists", counts.tx_heads),
	COUNT("tx_sends", "zerocopy sends", counts.sends),
	COUNT("tx_completions", "zerocopy completions (one may tell of many sends)",
	      counts.completions),
	COUNT("cache_hits", "blocks found in the cache", hits),
	COUNT("cache_misses", "blocks read from files", misses),
	COUNT("cache_evicted", "blocks evicted", evicted),
#undef COUNT
};

static const struct figure times[] = {
	{"seconds", "seconds", offsetof(struct serve_figures, seconds)},
	{"cpu_seconds", "CPU seconds", offsetof(struct serve_figures, cpu_seconds)},
};

bool server_report(const struct server *server, enum exit_status status)
{
	static const struct figures_table table = {counts, sizeof(counts) / sizeof(counts[0]),
						   times, sizeof(times) / sizeof(times[0])};
	const struct cache *device = &server->routes.device, *host = &server->routes.host;
	struct serve_figures figures = {
		.counts = server->counts,
		.now = server->n,
		.hits = device->hits + host->hits,
		.misses = device->misses + host->misses,
		.evicted = device->evicted + host->evicted,
		.seconds = (double)(clock_ms() - server->begin_ms) / 1000,
		.cpu_seconds = figures_cpu_seconds(),
	};
	json_t *head = json_pack("{s:i, s:s}", "status", (int)status, "memory",
				 devmem_mem_kind_name(devmem_exporter_kind(server->exporter)));

	return figures_print(server->options, head, &table, &figures);
}

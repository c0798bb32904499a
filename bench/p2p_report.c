// SPDX-License-Identifier: BSD-3-Clause
/* The results of p2p as JSON. */
#include "p2p_report.h"

#include <errno.h>
#include <stdlib.h>

#include "json_file.h"

struct p2p_report {
	json_t *root, *points, *latencies;
};

static const unsigned int percentiles[P2P_PERCENTILES] = P2P_PERMILLE;

double p2p_latency_at(const struct p2p_latencies *latencies, unsigned int permille)
{
	unsigned int q = 0;

	while (percentiles[q] < permille)
		q++;
	return latencies->us[q];
}

struct p2p_report *p2p_report_new(const struct options *o)
{
	struct p2p_report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->points = json_array();
	report->latencies = json_array();
	report->root = json_pack("{s:s, s:i, s:I, s:b, s:O, s:O}", "memory",
				 devmem_mem_kind_name(o->memory), "repeat", (int)o->reps, "volume",
				 (json_int_t)o->volume, "bidirectional", (int)o->both, "latency",
				 report->latencies, "results", report->points);
	return report;
}

void p2p_report_point(struct p2p_report *report, const struct p2p_shape *shape, const char *plugin,
		      const struct p2p_result *result)
{
	if (!report)
		return;
	json_array_append_new(report->points,
			      json_pack("{s:s, s:I, s:i, s:i, s:f, s:f, s:f, s:f, s:I}", "plugin",
					plugin, "size", (json_int_t)shape->bytes, "channels",
					(int)shape->channels, "depth", (int)shape->depth, "gbs",
					result->gbs, "cpu_s_per_gb", result->cpu, "seconds_per_gb",
					result->seconds, "nic_s_per_gb", result->nic, "wrong",
					(json_int_t)result->wrong));
}

void p2p_report_latency(struct p2p_report *report, unsigned int bytes, unsigned int round_trips,
			const char *plugin, const struct p2p_latencies *latencies)
{
	json_t *cdf;

	if (!report)
		return;
	cdf = json_array();
	for (unsigned int q = 0; q < P2P_PERCENTILES; q++)
		json_array_append_new(cdf, json_pack("[f, f]", percentiles[q] / 10.,
						     latencies->us[q]));
	json_array_append_new(report->latencies,
			      json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:o}", "plugin", plugin,
					"size", (int)bytes, "round_trips", (int)round_trips, "p50_us",
					p2p_latency_at(latencies, 500), "p99_us",
					p2p_latency_at(latencies, 990), "p99.9_us",
					p2p_latency_at(latencies, 999), "cdf", cdf));
}

int p2p_report_connections(const char *path, unsigned int connections, double seconds)
{
	json_t *root = json_pack("{s:i, s:f}", "connections", (int)connections, "connect_seconds",
				 seconds);

	return json_write_file(root, path);
}

int p2p_report_write(struct p2p_report *report, const char *path)
{
	int ret;

	if (!report)
		return -ENOMEM;
	json_decref(report->points);
	json_decref(report->latencies);
	ret = json_write_file(report->root, path);
	free(report);
	return ret;
}

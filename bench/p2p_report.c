// SPDX-License-Identifier: BSD-3-Clause
/* The results of p2p as JSON. */
#include "p2p_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct p2p_report {
	json_t *root, *points, *latency;
};

struct p2p_report *p2p_report_new(const struct options *o)
{
	struct p2p_report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->points = json_array();
	report->latency = json_array();
	report->root = json_pack("{s:s, s:i, s:I, s:b, s:O, s:O}", "memory",
				 devmem_mem_kind_name(o->memory), "repeat", (int)o->reps, "volume",
				 (json_int_t)o->volume, "bidirectional", (int)o->both, "latency",
				 report->latency, "results", report->points);
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

void p2p_report_latency(struct p2p_report *report, const char *plugin,
			const unsigned int *permilles, const double *microseconds, size_t n)
{
	json_t *percentiles;
	char name[8];

	if (!report)
		return;
	percentiles = json_object();
	for (size_t q = 0; q < n; q++) {
		snprintf(name, sizeof(name), "%g", permilles[q] / 10.0);
		json_object_set_new(percentiles, name, json_real(microseconds[q]));
	}
	json_array_append_new(report->latency,
			      json_pack("{s:s, s:o}", "plugin", plugin, "percentiles", percentiles));
}

int p2p_report_connections(const char *path, unsigned int connections, double seconds)
{
	json_t *root = json_pack("{s:i, s:f}", "connections", (int)connections, "connect_seconds",
				 seconds);
	int ret;

	errno = 0;
	ret = json_dump_file(root, path, JSON_INDENT(1)) ? -(errno ? errno : EIO) : 0;
	json_decref(root);
	return ret;
}

int p2p_report_write(struct p2p_report *report, const char *path)
{
	int ret;

	if (!report)
		return -ENOMEM;
	errno = 0;
	ret = json_dump_file(report->root, path, JSON_INDENT(1)) ? -(errno ? errno : EIO) : 0;
	json_decref(report->latency);
	json_decref(report->points);
	json_decref(report->root);
	free(report);
	return ret;
}

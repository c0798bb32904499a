// SPDX-License-Identifier: BSD-3-Clause
/* The results as JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "result.h"

static json_t *json_of_result(const struct result *result, int ranks)
{
	json_t *line = json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "size", (json_int_t)result->bytes, "count", (json_int_t)result->count,
				 "time_us", result->seconds * 1e6, "algbw", result_algbw(result), "busbw", result_busbw(result, ranks),
				 "cpu_us", result->cpu_seconds * 1e6);

	json_object_set_new(line, "wrong", result->checked ? json_integer((json_int_t)result->wrong) : json_null());
	return line;
}

static json_t *json_of_metrics(const struct metrics *metrics)
{
	json_t *counters;

	if (!metrics->present)
		return json_null();
	counters = json_object();
	for (unsigned int i = 0; i < METRIC_COUNT; i++)
		json_object_set_new(counters, metric_name(i), json_integer((json_int_t)metrics->values[i]));
	return counters;
}

static json_t *json_of_totals(const struct totals *totals)
{
	json_t *sums = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "all_reduces", (json_int_t)totals->all_reduces,
				 "checks", (json_int_t)totals->checks, "wrong", (json_int_t)totals->wrong,
				 "messages", (json_int_t)totals->messages, "empty_messages", (json_int_t)totals->empty_messages,
				 "bytes_sent", (json_int_t)totals->bytes_sent, "bytes_received", (json_int_t)totals->bytes_received,
				 "flushes", (json_int_t)totals->flushes, "wall_seconds", totals->wall_seconds, "cpu_seconds", totals->cpu_seconds);

	json_object_set_new(sums, "counters", json_of_metrics(&totals->metrics));
	return sums;
}

int json_write(const char *path, const struct comm *comm, const struct result *results, unsigned int n, const struct totals *totals)
{
	const struct args *args = comm->args;
	json_t *lines = json_array();
	json_t *root;
	int ret;

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(lines, json_of_result(&results[i], comm->ranks));
	root = json_pack("{s:s, s:i, s:s, s:i, s:i, s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:o, s:o}", "plugin", comm->plugin_name,
			 "abi", comm->net->abi, "device", comm->device_name, "ranks", comm->ranks, "channels", (int)comm->n_channels,
			 "type", args->element->name, "memory", devmem_mem_kind_name(args->memory), "device_fifos", comm->device_fifos,
			 "iters", (int)args->iters, "warmup", (int)args->warmup, "checks", (int)args->checks, "random", (int)args->random, "results", lines,
			 "totals", json_of_totals(totals));
	if (!root)
		return -ENOMEM;
	errno = 0;
	ret = json_dump_file(root, path, JSON_INDENT(1)) ? -(errno ? errno : EIO) : 0;
	json_decref(root);
	return ret;
}

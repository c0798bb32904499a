// SPDX-License-Identifier: BSD-3-Clause
/* Reads the figures of a run: a collective's JSON, and the kernel's counters before and after it. */
#include "verdict_load.h"

#include <jansson.h>
#include <string.h>

#include "collective.h"

static uint64_t expected_bytes(const struct collective *collective, const json_t *root,
			       const json_t *results)
{
	const json_int_t repeat = json_integer_value(json_object_get(root, "repeat"));
	uint64_t repeats = (uint64_t)(json_integer_value(json_object_get(root, "iters")) * repeat +
				      json_integer_value(json_object_get(root, "warmup")) +
				      json_integer_value(json_object_get(root, "checks")));
	unsigned int ranks = (unsigned int)json_integer_value(json_object_get(root, "ranks"));
	uint64_t sum = 0;
	const json_t *line;
	size_t i;

	json_array_foreach(results, i, line)
		sum += (uint64_t)json_integer_value(json_object_get(line, "size"));
	if (json_is_true(json_object_get(root, "in_place")))
		repeats *= 2;
	return sum * repeats * collective->sizes_sent(ranks);
}

static void load_metrics(const json_t *counters, struct metrics *metrics)
{
	metrics->present = json_is_object(counters);
	for (unsigned int i = 0; i < METRIC_COUNT; i++)
		metrics->values[i] =
			(uint64_t)json_integer_value(json_object_get(counters, metric_name(i)));
}

int verdict_load_json(const char *path, struct run_figures *run, struct failure *failure)
{
	const struct collective *collective;
	const char *name;
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error), *results, *counters;
	json_int_t checks, wrong, messages, sent, received, random;
	int ret = 0;

	if (!root)
		return fail(failure,
			    "%s: %s (did the run end before its results were written?)",
			    path, error.text);
	if (json_object_get(root, "runs")) {
		ret = fail(failure, "%s: there are runs of several plugins, which shared the NICs: give the file of one", path);
		goto out;
	}
	if (json_unpack_ex(root, &error, 0,
			   "{s:o, s:I, s:s, s:{s:I, s:I, s:I, s:I, s:I, s:F, s:F, s:o}}",
			   "results", &results, "random", &random, "collective", &name, "totals",
			   "checks", &checks, "wrong", &wrong, "messages", &messages,
			   "bytes_sent", &sent, "bytes_received", &received,
			   "wall_seconds", &run->wall_seconds, "cpu_seconds", &run->cpu_seconds,
			   "counters", &counters)) {
		ret = fail(failure, "%s: %s: it was not written by a collective of this version", path,
			   error.text);
		goto out;
	}
	collective = collective_find(name);
	if (!collective) {
		ret = fail(failure, "%s: there is no collective '%s'", path, name);
		goto out;
	}
	run->sizes = random == 0;
	run->expected = expected_bytes(collective, root, results);
	run->checks = (uint64_t)checks;
	run->wrong = (uint64_t)wrong;
	run->messages = (uint64_t)messages;
	run->bytes_sent = (uint64_t)sent;
	run->bytes_received = (uint64_t)received;
	load_metrics(counters, &run->metrics);
out:
	json_decref(root);
	return ret;
}

static int load_counters(const char *path, struct nic_counters *counters, struct failure *failure)
{
	char text[65536];
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		return fail(failure, "%s: %m", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	if (!nic_counters_parse(text, counters))
		return fail(
			failure,
			"%s: there is no counter of device memory in it: is it `ethtool -S` of a dmnic?",
			path);
	return 0;
}

int verdict_load_nic(const char *before, const char *after, struct run_figures *run,
		     struct failure *failure)
{
	struct nic_counters start = { 0 }, end = { 0 };

	if (load_counters(before, &start, failure) || load_counters(after, &end, failure))
		return -1;
	run->has_nic = true;
	run->nic.rx_devmem += end.rx_devmem - start.rx_devmem;
	run->nic.tx_devmem += end.tx_devmem - start.tx_devmem;
	run->nic.rx_linear += end.rx_linear - start.rx_linear;
	run->nic.drops += end.drops - start.drops;
	return 0;
}

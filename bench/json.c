// SPDX-License-Identifier: BSD-3-Clause
/* The results as JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "environment_json.h"
#include "json.h"

static void set_text(json_t *object, const char *name, const char *value)
{
	json_object_set_new(object, name, json_string(value));
}

static void set_count(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_real(json_t *object, const char *name, double value)
{
	json_object_set_new(object, name, json_real(value));
}

static void add_figures(json_t *line, const struct result *result, const struct comm *comm)
{
	set_real(line, "time_us", result->seconds * 1e6);
	set_real(line, "algbw", result_algbw(result));
	set_real(line, "busbw", result_busbw(result, comm));
	set_real(line, "cpu_us", result->cpu_seconds * 1e6);
	set_count(line, "retransmits", result->retransmits);
	if (result->checked)
		set_count(line, "wrong", result->wrong);
	else
		json_object_set_new(line, "wrong", json_null());
}

static json_t *json_of_result(const struct session *session, unsigned int i)
{
	const struct result *result = &session->out_of_place.list[i];
	json_t *line = json_object(), *in_place;

	set_count(line, "size", result->bytes);
	set_count(line, "count", result->count);
	add_figures(line, result, &session->comm);
	if (session->in_place.n) {
		in_place = json_object();
		add_figures(in_place, &session->in_place.list[i], &session->comm);
		json_object_set_new(line, "in_place", in_place);
	}
	return line;
}

static json_t *json_of_metrics(const struct metrics *metrics)
{
	json_t *counters;

	if (!metrics->present)
		return json_null();
	counters = json_object();
	for (unsigned int i = 0; i < METRIC_COUNT; i++)
		set_count(counters, metric_name(i), metrics->values[i]);
	return counters;
}

static json_t *json_of_totals(const struct totals *totals)
{
	json_t *sums = json_object();

	set_count(sums, "all_reduces", totals->runs);
	set_count(sums, "checks", totals->checks);
	set_count(sums, "wrong", totals->wrong);
	set_count(sums, "messages", totals->messages);
	set_count(sums, "empty_messages", totals->empty_messages);
	set_count(sums, "bytes_sent", totals->bytes_sent);
	set_count(sums, "bytes_received", totals->bytes_received);
	set_count(sums, "flushes", totals->flushes);
	set_count(sums, "timed_bytes", totals->timed_bytes);
	set_count(sums, "retransmits", totals->retransmits);
	set_real(sums, "wall_seconds", totals->wall_seconds);
	set_real(sums, "cpu_seconds", totals->cpu_seconds);
	json_object_set_new(sums, "counters", json_of_metrics(&totals->metrics));
	return sums;
}

static json_t *json_of_run(const struct comm *comm)
{
	const struct args *args = comm->args;
	json_t *run = json_object();

	set_text(run, "collective", args->collective->name);
	set_text(run, "plugin", comm->plugin_name);
	set_count(run, "abi", (uint64_t)comm->net->abi);
	set_text(run, "device", comm->device_name);
	set_count(run, "ranks", (uint64_t)comm->ranks);
	if (args->collective->rooted)
		set_count(run, "root", args->root);
	json_object_set_new(run, "in_place", json_boolean(args->in_place));
	json_object_set_new(run, "blocking", json_boolean(args->blocking));
	set_count(run, "channels", args->channels);
	set_text(run, "type", args->element->name);
	set_text(run, "memory", devmem_mem_kind_name(args->memory));
	json_object_set_new(run, "device_fifos", json_boolean(comm->device_fifos));
	set_count(run, "iters", args->iters);
	set_count(run, "repeat", args->repeat);
	set_count(run, "warmup", args->warmup);
	set_count(run, "checks", args->checks);
	set_count(run, "random", args->random);
	return run;
}

static json_t *json_of_session(const struct session *session)
{
	json_t *run = json_of_run(&session->comm), *lines = json_array();

	set_text(run, "label", session->plugin->text);
	json_object_set_new(run, "environment",
			    environment_json(&session->facts, &session->ranks));
	for (unsigned int i = 0; i < session->out_of_place.n; i++)
		json_array_append_new(lines, json_of_result(session, i));
	json_object_set_new(run, "results", lines);
	json_object_set_new(run, "totals", json_of_totals(&session->totals));
	return run;
}

static json_t *json_of_sessions(const struct session *sessions, unsigned int n)
{
	json_t *runs = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(runs, json_of_session(&sessions[i]));
	return json_pack("{s:s, s:o}", "collective", sessions->args->collective->name, "runs", runs);
}

int json_write(const char *path, const struct session *sessions, unsigned int n)
{
	json_t *root = n == 1 ? json_of_session(sessions) : json_of_sessions(sessions, n);
	int ret;

	errno = 0;
	ret = json_dump_file(root, path, JSON_INDENT(1)) ? -(errno ? errno : EIO) : 0;
	json_decref(root);
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The results as JSON. */
#include "environment_json.h"
#include "json.h"
#include "json_file.h"

static void add_figures(json_t *line, const struct result *result, const struct comm *comm)
{
	json_set_real(line, "time_us", result->seconds * 1e6);
	json_set_real(line, "algbw", result_algbw(result));
	json_set_real(line, "busbw", result_busbw(result, comm));
	json_set_real(line, "cpu_us", result->cpu_seconds * 1e6);
	json_set_count(line, "retransmits", result->retransmits);
	if (result->checked)
		json_set_count(line, "wrong", result->wrong);
	else
		json_object_set_new(line, "wrong", json_null());
}

static json_t *json_of_result(const struct session *session, unsigned int i)
{
	const struct result *result = &session->out_of_place.list[i];
	json_t *line = json_object(), *in_place;

	json_set_count(line, "size", result->bytes);
	json_set_count(line, "count", result->count);
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
		json_set_count(counters, metric_name(i), metrics->values[i]);
	return counters;
}

static json_t *json_of_totals(const struct totals *totals)
{
	json_t *sums = json_object();

	json_set_count(sums, "all_reduces", totals->runs);
	json_set_count(sums, "checks", totals->checks);
	json_set_count(sums, "wrong", totals->wrong);
	json_set_count(sums, "messages", totals->messages);
	json_set_count(sums, "empty_messages", totals->empty_messages);
	json_set_count(sums, "bytes_sent", totals->bytes_sent);
	json_set_count(sums, "bytes_received", totals->bytes_received);
	json_set_count(sums, "flushes", totals->flushes);
	json_set_count(sums, "timed_bytes", totals->timed_bytes);
	json_set_count(sums, "retransmits", totals->retransmits);
	json_set_real(sums, "wall_seconds", totals->wall_seconds);
	json_set_real(sums, "cpu_seconds", totals->cpu_seconds);
	json_object_set_new(sums, "counters", json_of_metrics(&totals->metrics));
	return sums;
}

static json_t *json_of_run(const struct comm *comm)
{
	const struct args *args = comm->args;
	json_t *run = json_object();

	json_set_text(run, "collective", args->collective->name);
	json_set_text(run, "plugin", comm->plugin_name);
	json_set_count(run, "abi", (uint64_t)comm->net->abi);
	json_set_text(run, "device", comm->device_name);
	json_set_count(run, "ranks", (uint64_t)comm->ranks);
	if (args->collective->rooted)
		json_set_count(run, "root", args->root);
	json_object_set_new(run, "in_place", json_boolean(args->in_place));
	json_object_set_new(run, "blocking", json_boolean(args->blocking));
	json_set_count(run, "channels", args->channels);
	json_set_text(run, "type", args->element->name);
	json_set_text(run, "memory", devmem_mem_kind_name(args->memory));
	json_object_set_new(run, "device_fifos", json_boolean(comm->device_fifos));
	json_set_count(run, "iters", args->iters);
	json_set_count(run, "repeat", args->repeat);
	json_set_count(run, "warmup", args->warmup);
	json_set_count(run, "checks", args->checks);
	json_set_count(run, "random", args->random);
	return run;
}

static json_t *json_of_session(const struct session *session)
{
	json_t *run = json_of_run(&session->comm), *lines = json_array();

	json_set_text(run, "label", session->plugin->text);
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
	return json_write_file(n == 1 ? json_of_session(sessions) : json_of_sessions(sessions, n),
			       path);
}

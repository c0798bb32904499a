// SPDX-License-Identifier: BSD-3-Clause
/* The model's figures as JSON: every object says that it is a model. */
#include <errno.h>
#include <jansson.h>

#include "scale_report.h"

static json_t *model(void)
{
	return json_pack("{s:b}", "model", 1);
}

static void set(json_t *object, const char *name, double value)
{
	json_object_set_new(object, name, json_real(value));
}

static void count(json_t *object, const char *name, unsigned long value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *json_of_costs(const struct scale_options *o, const struct fit *fit)
{
	json_t *costs = model();

	set(costs, "message_us", o->system.costs.message_s * 1e6);
	set(costs, "byte_ns", o->system.costs.byte_s * 1e9);
	set(costs, "connect_us", o->system.costs.connect_s * 1e6);
	json_object_set_new(costs, "connect_guessed", json_boolean(o->guessed));
	set(costs, "fit_noise", fit->noise);
	count(costs, "fit_points", fit->points);
	return costs;
}

static void set_time(json_t *line, const struct scale_system *s, double bytes, double seconds,
		     const char *const names[3])
{
	double busbw = scale_busbw(s, bytes, seconds);

	set(line, names[0], seconds * 1e6);
	set(line, names[1], busbw / 1e9);
	set(line, names[2], busbw / scale_possible_bytes_s(s));
}

static json_t *json_of_sizes(const struct scale_system *s)
{
	static const char *const ring[] = {"ring_us", "ring_busbw", "ring_share"};
	static const char *const tree[] = {"tree_us", "tree_busbw", "tree_share"};
	json_t *lines = json_array();

	for (unsigned int i = 0; i < REPORT_SIZES; i++) {
		double bytes = report_size(i);
		json_t *line = model();

		count(line, "size", (unsigned long)bytes);
		set_time(line, s, bytes, scale_ring_s(s, bytes), ring);
		set_time(line, s, bytes, scale_tree_s(s, bytes), tree);
		json_array_append_new(lines, line);
	}
	return lines;
}

static json_t *json_of_setup(const struct scale_system *s, const struct scale_pool *pool,
			     enum scale_traffic traffic)
{
	struct scale_setup setup;
	json_t *object = model();

	scale_count_setup(s, pool, traffic, &setup);
	count(object, "ring_connections", setup.ring);
	count(object, "tree_connections", setup.tree);
	count(object, "p2p_connections", setup.p2p);
	count(object, "host_connections", setup.host);
	count(object, "process_connections", setup.rank);
	count(object, "pool_connections", setup.pool);
	count(object, "streams", setup.streams);
	count(object, "descriptors", setup.descriptors);
	count(object, "share_pages", setup.share_pages);
	set(object, "seconds", setup.seconds);
	return object;
}

static json_t *json_of_pool(const struct scale_pool *pool)
{
	json_t *object = model();

	count(object, "queues", pool->queues);
	count(object, "streams", pool->streams);
	count(object, "bytes", pool->bytes);
	count(object, "pages", pool->pages);
	count(object, "fed", pool->fed);
	count(object, "admitted", pool->admitted);
	count(object, "rules_of_nic", pool->rules_of_nic);
	count(object, "rules_of_host", pool->rules_of_host);
	return object;
}

static json_t *json_of_system(const struct scale_system *s, const struct scale_pool *pool)
{
	json_t *object = model();

	count(object, "hosts", s->hosts);
	count(object, "gpus_of_host", s->gpus);
	count(object, "nics_of_host", s->nics);
	count(object, "channels", s->channels);
	count(object, "mtu", s->mtu);
	set(object, "gbps", s->line_bytes_s * 8 / 1e9);
	set(object, "rtt_us", s->rtt_s * 1e6);
	set(object, "local_us", s->local_s * 1e6);
	set(object, "payload_share", scale_payload_share(s->mtu));
	json_object_set_new(object, "results", json_of_sizes(s));
	json_object_set_new(object, "pool", json_of_pool(pool));
	json_object_set_new(object, "all_reduce", json_of_setup(s, pool, SCALE_ALL_REDUCE));
	json_object_set_new(object, "all_to_all", json_of_setup(s, pool, SCALE_ALL_TO_ALL));
	return object;
}

static json_t *json_of_systems(const struct scale_options *o)
{
	struct scale_system system = o->system;
	json_t *systems = json_array();
	struct scale_pool pool;

	scale_size_pool(&system, &pool);
	for (unsigned int i = 0; i < (o->table ? REPORT_SYSTEMS : 1); i++) {
		if (o->table)
			system.hosts = report_gpus[i] / system.gpus;
		json_array_append_new(systems, json_of_system(&system, &pool));
	}
	return systems;
}

static json_t *json_of_limits(const struct scale_options *o)
{
	struct scale_limit limits[SCALE_LIMITS];
	json_t *lines = json_array();

	scale_limits(&o->system, &o->bounds, limits);
	for (unsigned int i = 0; i < SCALE_LIMITS; i++) {
		json_t *line = model();

		json_object_set_new(line, "limit", json_string(limits[i].name));
		json_object_set_new(line, "hosts",
				    limits[i].hosts ? json_integer(limits[i].hosts) : json_null());
		set(line, "value", limits[i].value);
		set(line, "allowed", limits[i].allowed);
		json_object_set_new(line, "knob", json_string(limits[i].knob));
		json_array_append_new(lines, line);
	}
	return lines;
}

int report_json(const struct scale_options *options, const struct fit *fit)
{
	json_t *root = model();
	int ret;

	json_object_set_new(root, "costs", json_of_costs(options, fit));
	json_object_set_new(root, "systems", json_of_systems(options));
	json_object_set_new(root, "limits", json_of_limits(options));
	errno = 0;
	ret = json_dump_file(root, options->json, JSON_INDENT(1)) ? -(errno ? errno : EIO) : 0;
	json_decref(root);
	return ret;
}

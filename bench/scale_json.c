// SPDX-License-Identifier: BSD-3-Clause
/* The model's figures as JSON: every object says that it is a model. */
#include "json_file.h"
#include "scale_report.h"

static json_t *model(void)
{
	return json_pack("{s:b}", "model", 1);
}

static json_t *json_of_costs(const struct scale_options *o, const struct fit *fit)
{
	json_t *costs = model();

	json_set_real(costs, "message_us", o->system.costs.message_s * 1e6);
	json_set_real(costs, "byte_ns", o->system.costs.byte_s * 1e9);
	json_set_real(costs, "connect_us", o->system.costs.connect_s * 1e6);
	json_object_set_new(costs, "connect_guessed", json_boolean(o->guessed));
	json_set_real(costs, "fit_noise", fit->noise);
	json_set_count(costs, "fit_points", fit->points);
	return costs;
}

static void set_time(json_t *line, const struct scale_system *s, double bytes, double seconds,
		     const char *const names[3])
{
	double busbw = scale_busbw(s, bytes, seconds);

	json_set_real(line, names[0], seconds * 1e6);
	json_set_real(line, names[1], busbw / 1e9);
	json_set_real(line, names[2], busbw / scale_possible_bytes_s(s));
}

static json_t *json_of_sizes(const struct scale_system *s)
{
	static const char *const ring[] = {"ring_us", "ring_busbw", "ring_share"};
	static const char *const tree[] = {"tree_us", "tree_busbw", "tree_share"};
	json_t *lines = json_array();

	for (unsigned int i = 0; i < REPORT_SIZES; i++) {
		double bytes = report_size(i);
		json_t *line = model();

		json_set_count(line, "size", (unsigned long)bytes);
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
	json_set_count(object, "ring_connections", setup.ring);
	json_set_count(object, "tree_connections", setup.tree);
	json_set_count(object, "p2p_connections", setup.p2p);
	json_set_count(object, "host_connections", setup.host);
	json_set_count(object, "process_connections", setup.rank);
	json_set_count(object, "pool_connections", setup.pool);
	json_set_count(object, "streams", setup.streams);
	json_set_count(object, "descriptors", setup.descriptors);
	json_set_count(object, "share_pages", setup.share_pages);
	json_set_real(object, "seconds", setup.seconds);
	return object;
}

static json_t *json_of_pool(const struct scale_pool *pool)
{
	json_t *object = model();

	json_set_count(object, "queues", pool->queues);
	json_set_count(object, "streams", pool->streams);
	json_set_count(object, "bytes", pool->bytes);
	json_set_count(object, "pages", pool->pages);
	json_set_count(object, "fed", pool->fed);
	json_set_count(object, "admitted", pool->admitted);
	json_set_count(object, "rules_of_nic", pool->rules_of_nic);
	json_set_count(object, "rules_of_host", pool->rules_of_host);
	return object;
}

static json_t *json_of_system(const struct scale_system *s, const struct scale_pool *pool)
{
	json_t *object = model();

	json_set_count(object, "hosts", s->hosts);
	json_set_count(object, "gpus_of_host", s->gpus);
	json_set_count(object, "nics_of_host", s->nics);
	json_set_count(object, "channels", s->channels);
	json_set_count(object, "mtu", s->mtu);
	json_set_real(object, "gbps", s->line_bytes_s * 8 / 1e9);
	json_set_real(object, "rtt_us", s->rtt_s * 1e6);
	json_set_real(object, "local_us", s->local_s * 1e6);
	json_set_real(object, "payload_share", scale_payload_share(s->mtu));
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
		json_set_real(line, "value", limits[i].value);
		json_set_real(line, "allowed", limits[i].allowed);
		json_object_set_new(line, "knob", json_string(limits[i].knob));
		json_array_append_new(lines, line);
	}
	return lines;
}

int report_json(const struct scale_options *options, const struct fit *fit)
{
	json_t *root = model();

	json_object_set_new(root, "costs", json_of_costs(options, fit));
	json_object_set_new(root, "systems", json_of_systems(options));
	json_object_set_new(root, "limits", json_of_limits(options));
	return json_write_file(root, options->json);
}

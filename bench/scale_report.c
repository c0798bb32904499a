// SPDX-License-Identifier: BSD-3-Clause
/* The model's figures as tables: all-reduces by size, set-up, systems side by side, limits. */
#include "scale_report.h"

#include <math.h>
#include <stdio.h>

#include "budget.h"
#include "scale_out.h"

#define CELL(row, i, ...) snprintf((row).cells[i], OUT_CELL, __VA_ARGS__)

const unsigned int report_gpus[REPORT_SYSTEMS] = {16, 128, 1024, 16384};

double report_size(unsigned int i)
{
	return ldexp(8, (int)i);
}

static const char *source(double used, double fitted, const struct fit *fit)
{
	return fit->points && used == fitted ? "fit of p2p runs" : "given";
}

void report_costs(const struct scale_options *o, const struct fit *fit)
{
	const struct scale_costs *costs = &o->system.costs;

	printf("model: every figure below is computed, none is a run (docs/scale.md)\n");
	printf("model: rank's cost of a message %.3f us (%s)\n", costs->message_s * 1e6,
	       source(costs->message_s, fit->message_s, fit));
	printf("model: rank's cost of a byte %.4f ns, %.3f GB/s (%s)\n", costs->byte_s * 1e9,
	       1e-9 / costs->byte_s, source(costs->byte_s, fit->byte_s, fit));
	if (fit->points)
		printf("model: noise of the fit %.1f %%, worst %.1f %%, of %u points\n",
		       fit->noise * 100, fit->worst * 100, fit->points);
	printf("model: end of a connection %.1f us (%s)\n", costs->connect_s * 1e6,
	       o->guessed   ? "a guess: give --connect or --connect-us"
	       : o->connect ? "p2p --connect"
			    : "given");
}

static void print_system(const struct scale_system *s)
{
	printf("model: %u GPUs: %u hosts of %u, %u NICs of %.0f Gb/s, MTU %u; %u channels; "
	       "%.1f us between hosts, there and back\n",
	       s->hosts * s->gpus, s->hosts, s->gpus, s->nics, s->line_bytes_s * 8 / 1e9, s->mtu,
	       s->channels, s->rtt_s * 1e6);
	printf("model: possible is %.2f %% of the line rate, %.2f GB/s of a host\n",
	       scale_payload_share(s->mtu) * 100, scale_possible_bytes_s(s) / 1e9);
}

static void put_time(const struct scale_system *s, double bytes, double seconds,
		     struct out_row *row, unsigned int at)
{
	double busbw = scale_busbw(s, bytes, seconds);

	CELL(*row, at, "%.1f", seconds * 1e6);
	CELL(*row, at + 1, "%.3f", busbw / 1e9);
	CELL(*row, at + 2, "%.2f", busbw / scale_possible_bytes_s(s) * 100);
}

static int print_sizes(const struct scale_system *s)
{
	static const char *const titles[] = {"SIZE",	"RING US",   "RING GB/S", "RING %",
					     "TREE US", "TREE GB/S", "TREE %"};
	struct out out;

	out_begin(&out, titles, 7, 0);
	for (unsigned int i = 0; i < REPORT_SIZES; i++) {
		double bytes = report_size(i);
		struct out_row row;

		out_size(bytes, row.cells[0]);
		put_time(s, bytes, scale_ring_s(s, bytes), &row, 1);
		put_time(s, bytes, scale_tree_s(s, bytes), &row, 4);
		out_row(&out, &row);
	}
	return out_end(&out);
}

struct view {
	struct scale_system system;
	struct scale_pool pool;
};

/* One line of a table whose columns are systems or traffics. */
struct line {
	const char *name;
	double (*figure)(const struct view *v, enum scale_traffic traffic);
	const char *form;
};

#define SETUP_FIGURE(name, member)                                           \
	static double name(const struct view *v, enum scale_traffic traffic) \
	{                                                                    \
		struct scale_setup setup;                                    \
                                                                             \
		scale_count_setup(&v->system, &v->pool, traffic, &setup);    \
		return (double)setup.member;                                 \
	}

#define POOL_FIGURE(name, member)                                            \
	static double name(const struct view *v, enum scale_traffic traffic) \
	{                                                                    \
		return (double)v->pool.member;                               \
	}

SETUP_FIGURE(of_ring, ring)
SETUP_FIGURE(of_tree, tree)
SETUP_FIGURE(of_p2p, p2p)
SETUP_FIGURE(of_host, host)
SETUP_FIGURE(of_process, rank)
SETUP_FIGURE(of_pool, pool)
SETUP_FIGURE(streams, streams)
SETUP_FIGURE(descriptors, descriptors)
SETUP_FIGURE(share_pages, share_pages)
SETUP_FIGURE(set_up_s, seconds)
POOL_FIGURE(pool_queues, queues)
POOL_FIGURE(nic_rules, rules_of_nic)
POOL_FIGURE(host_rules, rules_of_host)
POOL_FIGURE(pool_bytes, bytes)
POOL_FIGURE(pool_pages, pages)
POOL_FIGURE(pool_fed, fed)

static double share_of_1g(const struct view *v,
			  double (*all_reduce)(const struct scale_system *, double))
{
	const struct scale_system *s = &v->system;

	return scale_busbw(s, 0x1p30, all_reduce(s, 0x1p30)) / scale_possible_bytes_s(s) * 100;
}

static double ring_1g(const struct view *v, enum scale_traffic traffic)
{
	return share_of_1g(v, scale_ring_s);
}

static double tree_1g(const struct view *v, enum scale_traffic traffic)
{
	return share_of_1g(v, scale_tree_s);
}

static double ring_8(const struct view *v, enum scale_traffic traffic)
{
	return scale_ring_s(&v->system, 8) * 1e6;
}

static double tree_8(const struct view *v, enum scale_traffic traffic)
{
	return scale_tree_s(&v->system, 8) * 1e6;
}

static const struct line setup_lines[] = {
	{"connections into a host, rings", of_ring, "%.0f"},
	{"connections into a host, trees", of_tree, "%.0f"},
	{"connections into a host, GPU to GPU", of_p2p, "%.0f"},
	{"connections into a host", of_host, "%.0f"},
	{"data streams into a host", streams, "%.0f"},
	{"connections into a process", of_process, "%.0f"},
	{"descriptors of a process", descriptors, "%.0f"},
	{"set-up of a process, seconds", set_up_s, "%.3f"},
	{"steering rules of a NIC", nic_rules, "%.0f"},
	{"steering rules of a host", host_rules, "%.0f"},
	{"rx queues of a pool", pool_queues, "%.0f"},
	{"bytes of a pool (GPU and NIC)", pool_bytes, "%.0f"},
	{"pages of a pool to promise", pool_pages, "%.0f"},
	{"connections a pool feeds in full", pool_fed, "%.0f"},
	{"connections into a pool", of_pool, "%.0f"},
	{"pages that the last keeps, 16: fed", share_pages, "%.0f"},
};

static const struct line time_lines[] = {
	{"ring, 8 bytes, us", ring_8, "%.1f"},
	{"tree, 8 bytes, us", tree_8, "%.1f"},
	{"ring, 1 GiB, % of possible", ring_1g, "%.2f"},
	{"tree, 1 GiB, % of possible", tree_1g, "%.2f"},
};

#define LINES(lines) (sizeof(lines) / sizeof((lines)[0]))

static const char *fed(const struct view *v, enum scale_traffic traffic)
{
	switch ((unsigned int)share_pages(v, traffic)) {
	case 0:
		return "no: host memory";
	case BUDGET_SHARE:
		return "yes";
	default:
		return "slowly: warns";
	}
}

static int print_setup(const struct view *v)
{
	static const char *const titles[] = {"SET-UP", "ALL-REDUCE", "AND ALL-TO-ALL"};
	struct out_row row;
	struct out out;

	out_begin(&out, titles, 3, 1);
	for (size_t i = 0; i < LINES(setup_lines); i++) {
		CELL(row, 0, "%s", setup_lines[i].name);
		for (unsigned int t = 0; t < SCALE_TRAFFICS; t++)
			CELL(row, t + 1, setup_lines[i].form, setup_lines[i].figure(v, t));
		out_row(&out, &row);
	}
	CELL(row, 0, "the pool feeds all");
	for (unsigned int t = 0; t < SCALE_TRAFFICS; t++)
		CELL(row, t + 1, "%s", fed(v, t));
	out_row(&out, &row);
	return out_end(&out);
}

static void side_by_side(struct out *out, const struct view *v, const struct line *line,
			 enum scale_traffic traffic, const char *note)
{
	struct view view = *v;
	struct out_row row;

	CELL(row, 0, "%s%s", line->name, note);
	for (unsigned int i = 0; i < REPORT_SYSTEMS; i++) {
		view.system.hosts = report_gpus[i] / v->system.gpus;
		CELL(row, i + 1, line->form, line->figure(&view, traffic));
	}
	out_row(out, &row);
}

static bool grows(const struct line *line)
{
	return line->figure == of_host || line->figure == of_process ||
	       line->figure == descriptors || line->figure == set_up_s || line->figure == of_pool ||
	       line->figure == share_pages;
}

static int print_systems(const struct view *v)
{
	static const char *const titles[] = {"GPUS", "16", "128", "1,024", "16,384"};
	struct out out;

	out_begin(&out, titles, 5, 1);
	for (size_t i = 0; i < LINES(time_lines); i++)
		side_by_side(&out, v, &time_lines[i], SCALE_ALL_REDUCE, "");
	for (size_t i = 0; i < LINES(setup_lines); i++)
		if (setup_lines[i].figure != of_p2p)
			side_by_side(&out, v, &setup_lines[i], SCALE_ALL_REDUCE, "");
	for (size_t i = 0; i < LINES(setup_lines); i++)
		if (grows(&setup_lines[i]))
			side_by_side(&out, v, &setup_lines[i], SCALE_ALL_TO_ALL, ", all-to-all");
	return out_end(&out);
}

static void say_first(const struct scale_system *s, const struct scale_limit *first)
{
	if (!first->hosts)
		printf("model: nothing breaks up to %u GPUs\n", SCALE_MAX_HOSTS * s->gpus);
	else
		printf("model: first to break: %s, at %u GPUs: %.6g, and %.6g is allowed; what "
		       "moves it: %s\n",
		       first->name, first->hosts * s->gpus, first->value, first->allowed,
		       first->knob);
}

static int print_limits(const struct scale_options *o)
{
	static const char *const titles[] = {"LIMIT", "BREAKS AT GPUS", "VALUE", "ALLOWED", "KNOB"};
	struct scale_limit limits[SCALE_LIMITS];
	struct out out;

	scale_limits(&o->system, &o->bounds, limits);
	say_first(&o->system, &limits[0]);
	out_begin(&out, titles, 5, 1 | 1 << 4);
	for (unsigned int i = 0; i < SCALE_LIMITS; i++) {
		struct out_row row;

		CELL(row, 0, "%s", limits[i].name);
		CELL(row, 1, limits[i].hosts ? "%u" : "-", limits[i].hosts * o->system.gpus);
		CELL(row, 2, "%.6g", limits[i].value);
		CELL(row, 3, "%.6g", limits[i].allowed);
		CELL(row, 4, "%s", limits[i].knob);
		out_row(&out, &row);
	}
	return out_end(&out);
}

int report_one(const struct scale_options *options)
{
	struct view view = {.system = options->system};
	int ret;

	scale_size_pool(&view.system, &view.pool);
	print_system(&view.system);
	ret = print_sizes(&view.system);
	if (!ret)
		ret = print_setup(&view);
	return ret ? ret : print_limits(options);
}

int report_table(const struct scale_options *options)
{
	const struct scale_system *s = &options->system;
	struct view view = {.system = *s};
	int ret;

	scale_size_pool(s, &view.pool);
	printf("model: hosts of %u GPUs, %u NICs of %.0f Gb/s, MTU %u; %u channels; %.1f us "
	       "between hosts, there and back\n",
	       s->gpus, s->nics, s->line_bytes_s * 8 / 1e9, s->mtu, s->channels, s->rtt_s * 1e6);
	ret = print_systems(&view);
	return ret ? ret : print_limits(options);
}

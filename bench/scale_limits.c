// SPDX-License-Identifier: BSD-3-Clause
/* What breaks first in the model, at how many hosts, and the knob that moves it. */
#include <math.h>
#include <stdlib.h>

#include "scale.h"

#define MIB (1024.0 * 1024)

struct judge {
	const struct scale_bounds *bounds;
	struct scale_system system; /* with the hosts that are tried */
	struct scale_pool pool;
	enum scale_traffic traffic;
};

typedef double (*figure)(const struct judge *judge);

static struct scale_setup setup_of(const struct judge *judge)
{
	struct scale_setup setup;

	scale_count_setup(&judge->system, &judge->pool, judge->traffic, &setup);
	return setup;
}

static double descriptors(const struct judge *judge)
{
	return (double)setup_of(judge).descriptors;
}

static double allowed_descriptors(const struct judge *judge)
{
	return (double)judge->bounds->nofile;
}

static double rules(const struct judge *judge)
{
	return judge->pool.rules_of_nic;
}

static double allowed_rules(const struct judge *judge)
{
	return (double)judge->bounds->rules;
}

/* One queue at least is for ordinary traffic. */
static double allowed_queues(const struct judge *judge)
{
	return judge->system.nic_queues - 1;
}

static double connections(const struct judge *judge)
{
	return (double)setup_of(judge).pool;
}

static double allowed_fed(const struct judge *judge)
{
	return (double)judge->pool.fed;
}

static double allowed_admitted(const struct judge *judge)
{
	return (double)judge->pool.admitted;
}

static double set_up_s(const struct judge *judge)
{
	return setup_of(judge).seconds;
}

static double allowed_s(const struct judge *judge)
{
	return judge->bounds->timeout_s;
}

/* Percent of @with that is gone when messages and hops cost nothing but their bytes. */
static double latency_share(const struct judge *judge,
			    double (*all_reduce)(const struct scale_system *, double))
{
	struct scale_system bytes_only = judge->system;
	double with = all_reduce(&judge->system, judge->bounds->reference);

	bytes_only.rtt_s = bytes_only.local_s = bytes_only.costs.message_s = 0;
	return with > 0 ? 100 * (1 - all_reduce(&bytes_only, judge->bounds->reference) / with) : 0;
}

static double ring_latency(const struct judge *judge)
{
	return latency_share(judge, scale_ring_s);
}

static double tree_latency(const struct judge *judge)
{
	return latency_share(judge, scale_tree_s);
}

static double half(const struct judge *judge)
{
	return 50;
}

/* Percent of its time on the wire that a message of 1 MiB takes of its rank. */
static double rank_cost(const struct judge *judge)
{
	const struct scale_costs *costs = &judge->system.costs;
	double wire = MIB / judge->system.line_bytes_s / scale_payload_share(judge->system.mtu);

	return 100 * (costs->message_s + costs->byte_s * MIB) / wire;
}

static double all(const struct judge *judge)
{
	return 100;
}

static const struct {
	const char *name;
	enum scale_traffic traffic;
	figure value, allowed;
	const char *knob;
} table[SCALE_LIMITS] = {
	{"descriptors of a process, all-reduce", SCALE_ALL_REDUCE, descriptors, allowed_descriptors,
	 "ulimit -n (LimitNOFILE=), or fewer NCCL_DEVMEM_STREAMS"},
	{"descriptors of a process, all-to-all", SCALE_ALL_TO_ALL, descriptors, allowed_descriptors,
	 "ulimit -n (LimitNOFILE=), or fewer NCCL_DEVMEM_STREAMS"},
	{"steering rules of a NIC", SCALE_ALL_REDUCE, rules, allowed_rules,
	 "a larger ntuple table, or fewer NCCL_DEVMEM_QUEUES"},
	{"rx queues of a NIC", SCALE_ALL_REDUCE, rules, allowed_queues,
	 "ethtool -L combined, or fewer NCCL_DEVMEM_QUEUES"},
	{"full shares of a pool, all-reduce", SCALE_ALL_REDUCE, connections, allowed_fed,
	 "NCCL_DEVMEM_POOL_MB; beyond it connections are slow"},
	{"full shares of a pool, all-to-all", SCALE_ALL_TO_ALL, connections, allowed_fed,
	 "NCCL_DEVMEM_POOL_MB; beyond it connections are slow"},
	{"pages of a pool, all-to-all", SCALE_ALL_TO_ALL, connections, allowed_admitted,
	 "NCCL_DEVMEM_POOL_MB; beyond it connections go by host memory"},
	{"set-up seconds, all-reduce", SCALE_ALL_REDUCE, set_up_s, allowed_s,
	 "the timeout of the framework"},
	{"set-up seconds, all-to-all", SCALE_ALL_TO_ALL, set_up_s, allowed_s,
	 "the timeout of the framework, or fewer peers"},
	{"latency, % of ring time", SCALE_ALL_REDUCE, ring_latency, half,
	 "NCCL_ALGO=Tree, or larger all-reduces"},
	{"latency, % of tree time", SCALE_ALL_REDUCE, tree_latency, half, "larger all-reduces"},
	{"a rank's cost, % of time on the wire", SCALE_ALL_REDUCE, rank_cost, all,
	 "a faster CPU or copy engine, or more NICs with channels of their own"},
};

static bool breaks(struct judge *judge, unsigned int i, unsigned int hosts)
{
	judge->system.hosts = hosts;
	return table[i].value(judge) > table[i].allowed(judge);
}

/* All figures grow with the hosts, so the first is found by halving. */
static unsigned int first_hosts(struct judge *judge, unsigned int i)
{
	unsigned int low = 1, high = 2;

	while (high < SCALE_MAX_HOSTS && !breaks(judge, i, high)) {
		low = high;
		high *= 2;
	}
	if (!breaks(judge, i, high))
		return 0;
	while (high - low > 1) {
		unsigned int middle = low + (high - low) / 2;

		if (breaks(judge, i, middle))
			high = middle;
		else
			low = middle;
	}
	return high;
}

static int by_hosts(const void *a, const void *b)
{
	const struct scale_limit *x = a, *y = b;
	unsigned int at_x = x->hosts - 1, at_y = y->hosts - 1; /* never: behind all others */

	if (at_x == at_y)
		return y->value / y->allowed > x->value / x->allowed ? 1 : -1;
	return at_x < at_y ? -1 : 1;
}

void scale_limits(const struct scale_system *system, const struct scale_bounds *bounds,
		  struct scale_limit limits[SCALE_LIMITS])
{
	struct judge judge = {.bounds = bounds, .system = *system};

	scale_size_pool(system, &judge.pool);
	for (unsigned int i = 0; i < SCALE_LIMITS; i++) {
		struct scale_limit *limit = &limits[i];

		judge.traffic = table[i].traffic;
		*limit = (struct scale_limit){.name = table[i].name, .knob = table[i].knob};
		limit->hosts = first_hosts(&judge, i);
		judge.system.hosts = limit->hosts ? limit->hosts : SCALE_MAX_HOSTS;
		limit->value = table[i].value(&judge);
		limit->allowed = table[i].allowed(&judge);
	}
	qsort(limits, SCALE_LIMITS, sizeof(*limits), by_hosts);
}

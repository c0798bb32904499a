// SPDX-License-Identifier: BSD-3-Clause
/* The model's tree all-reduce: two binary trees of hosts, each with half of the channels; a chain
 * of GPUs in each host. */
#include <math.h>

#include "scale.h"

/* A node's lowest set bit is its height; the parent's is the next higher. Where that host is not
 * there, the one before it is the parent. */
static long parent_of(unsigned int hosts, unsigned int host)
{
	unsigned int bit = host & -host, up = (host ^ bit) | bit << 1;

	if (!host)
		return -1;
	return up < hosts ? up : host ^ bit;
}

long scale_tree_parent(unsigned int hosts, unsigned int host, bool second)
{
	bool mirror = hosts % 2 == 0;
	long up;

	if (!second)
		return parent_of(hosts, host);
	up = parent_of(hosts, mirror ? hosts - 1 - host : (host + hosts - 1) % hosts);
	if (up < 0)
		return up;
	return mirror ? (long)hosts - 1 - up : (up + 1) % (long)hosts;
}

static unsigned int depth_of(unsigned int hosts, unsigned int host)
{
	unsigned int depth = 0;
	long at = host;

	while ((at = parent_of(hosts, (unsigned int)at)) >= 0)
		depth++;
	return depth;
}

/* Those of which it is the parent: one of each lower height, as far as they are there. */
static unsigned int children_of(unsigned int hosts, unsigned int host)
{
	unsigned int height = host ? host & -host : 1, children = 0;

	while (!host && height < hosts)
		height <<= 1;
	for (unsigned int bit = height >> 1; bit; bit >>= 1) {
		if (host + bit < hosts && parent_of(hosts, host + bit) == (long)host)
			children++;
		if (host >= bit && parent_of(hosts, host - bit) == (long)host)
			children++;
	}
	return children;
}

static unsigned int neighbours_of(unsigned int hosts, unsigned int host)
{
	return children_of(hosts, host) + (host ? 1 : 0);
}

struct scale_tree scale_tree_shape(unsigned int hosts)
{
	struct scale_tree tree = {0};

	for (unsigned int host = 0; host < hosts; host++) {
		unsigned int other = hosts % 2 ? (host + hosts - 1) % hosts : hosts - 1 - host;
		unsigned int first = neighbours_of(hosts, host);
		unsigned int depth = depth_of(hosts, host);
		double mean = (first + neighbours_of(hosts, other)) / 2.0;

		tree.depth = depth > tree.depth ? depth : tree.depth;
		tree.first_only = first > tree.first_only ? first : tree.first_only;
		tree.connected = fmax(tree.connected, mean);
	}
	return tree;
}

/* The first slice climbs to the root and comes back, whatever follows. */
static double fill_s(const struct scale_system *system, const struct scale_tree *tree, double slice)
{
	double hop = scale_busy_s(system, slice) + system->rtt_s / 2;

	return 2 * tree->depth * hop + 2 * (system->gpus - 1) * system->local_s;
}

double scale_tree_s(const struct scale_system *system, double bytes)
{
	struct scale_tree tree = scale_tree_shape(system->hosts);
	double load = system->channels > 1 ? tree.connected : tree.first_only;
	double all = bytes / system->channels, first = fmin(all, SCALE_STEP_BYTES);
	double full = floor((all - first) / SCALE_STEP_BYTES);
	double rest = all - first - full * SCALE_STEP_BYTES;
	double busy = scale_busy_s(system, SCALE_STEP_BYTES), seconds;

	if (system->hosts < 2)
		return 0;
	seconds = fill_s(system, &tree, first);
	seconds += scale_wait_s(load * busy, busy + system->rtt_s, (unsigned long)full,
				SCALE_STEPS);
	if (rest > 0)
		seconds += load * scale_busy_s(system, rest);
	return seconds;
}

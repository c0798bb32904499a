// SPDX-License-Identifier: BSD-3-Clause
/* What the model sets up: connections, rules, descriptors, and the pool, by the plugin's own
 * functions. */
#include <math.h>

#include "budget.h"
#include "pool_size.h"
#include "scale.h"

#define LISTEN_PEERS 128u /* NCCL_CONNECT_ROUND_MAX_PEERS: peers that are connected at once */

static unsigned int up(unsigned int n, unsigned int by)
{
	return (n + by - 1) / by;
}

static struct devmem_nic nic_of(const struct scale_system *system)
{
	struct devmem_nic nic = {
		.speed_mbps = (unsigned int)fmin(system->line_bytes_s * 8 / 1e6, 4e9),
		.mtu = system->mtu,
		.rx_queues = system->nic_queues,
	};

	nic.addr.ss_family = AF_INET;
	return nic;
}

/* Joins connections until none is let in: what the plugin's budget does, not what it should. */
static void fill_budget(struct scale_pool *pool)
{
	struct budget_share share = {0};
	struct budget budget;

	budget_init(&budget, pool->pages);
	while (!budget_join(&budget, &share)) {
		pool->admitted++;
		pool->fed += share.kept == BUDGET_SHARE;
	}
	budget_destroy(&budget);
}

void scale_size_pool(const struct scale_system *system, struct scale_pool *pool)
{
	size_t ring = (size_t)system->ring_entries * POOL_PAGE_BYTES;
	struct devmem_nic nic = nic_of(system);

	*pool = (struct scale_pool){
		.queues = system->queues ? system->queues : pool_size_queues(&nic),
		.pools_of_nic = up(system->gpus, system->nics),
	};
	pool->streams = system->streams ? system->streams : pool->queues;
	pool->bytes = system->pool_bytes ? system->pool_bytes
					 : pool_size_bytes(&nic, pool->queues, ring, false);
	pool->pages = pool_size_budget(pool->bytes, pool->queues, ring, POOL_PAGE_BYTES);
	pool->rules_of_nic = pool->pools_of_nic * pool->queues;
	pool->rules_of_host = (system->gpus > system->nics ? system->gpus : system->nics) *
			      pool->queues;
	fill_budget(pool);
}

static void count_connections(const struct scale_system *system, struct scale_setup *setup)
{
	struct scale_tree tree = scale_tree_shape(system->hosts);
	unsigned int second = system->channels / 2, first = system->channels - second;

	if (system->hosts < 2)
		return;
	setup->ring = system->channels;
	setup->tree = (unsigned long)ceil(2 * tree.connected * second) +
		      (unsigned long)tree.first_only * (first - second);
}

/* Rings and trees enter a host by its NICs, each with the GPU next to it. */
static void share_out(const struct scale_system *system, struct scale_setup *setup)
{
	unsigned int gpus = system->gpus < system->nics ? system->gpus : system->nics;
	unsigned int all_reduce = (unsigned int)(setup->ring + setup->tree);
	unsigned long p2p = setup->p2p / system->gpus;

	setup->host = setup->ring + setup->tree + setup->p2p;
	setup->rank = up(all_reduce, gpus) + p2p;
	setup->pool = up(all_reduce, system->nics) +
		      up((unsigned int)p2p, up(system->nics, system->gpus));
}

/* Control and data streams both ways, listeners of those still to come, and the pools' own: a
 * socket and a lock for each queue, the binding and the dmabuf. */
static unsigned long descriptors(const struct scale_system *system, const struct scale_pool *pool,
				 const struct scale_setup *setup)
{
	unsigned long peers = (unsigned long)LISTEN_PEERS * (system->channels > system->p2p_channels
								     ? system->channels
								     : system->p2p_channels);
	unsigned long pools = up(system->nics, system->gpus);

	return 2 * setup->rank * (1 + pool->streams) + (setup->rank < peers ? setup->rank : peers) +
	       pools * (2 * pool->queues + 2);
}

void scale_count_setup(const struct scale_system *system, const struct scale_pool *pool,
		       enum scale_traffic traffic, struct scale_setup *setup)
{
	*setup = (struct scale_setup){0};
	count_connections(system, setup);
	if (traffic == SCALE_ALL_TO_ALL)
		setup->p2p = (unsigned long)(system->hosts - 1) * system->gpus * system->gpus *
			     system->p2p_channels;
	share_out(system, setup);
	setup->streams = setup->host * pool->streams;
	setup->descriptors = descriptors(system, pool, setup);
	setup->seconds = 2 * (double)setup->rank * system->costs.connect_s;
	if (setup->pool <= pool->fed)
		setup->share_pages = BUDGET_SHARE;
	else if (setup->pool <= pool->admitted)
		setup->share_pages = 1;
}

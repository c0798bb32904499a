// SPDX-License-Identifier: BSD-3-Clause
/* Sends and receives between all pairs of ranks: block r of a rank's buffer ends at rank r. */
#include "blocks.h"
#include "collective.h"
#include "exchange.h"

/* A rank's block for itself is copied by the first link, when it has nothing else to do. */
static size_t ops(const struct work *work)
{
	return exchange_ops(work) + (work->distance == 1 ? work_chunks(work) : 0);
}

static struct op copy_own(const struct work *work, size_t index)
{
	size_t first, count = work_chunk_at(work, index, &first);
	size_t place = work->rank * work->block + first;

	return (struct op){.actions = OP_COPY, .src = place, .dst = place, .count = count};
}

static struct op op(const struct work *work, size_t index)
{
	size_t to = (work->rank + work->distance) % work->ranks;
	size_t from = (work->rank + work->ranks - work->distance) % work->ranks;

	if (index >= exchange_ops(work))
		return copy_own(work, index - exchange_ops(work));
	return exchange_op(work, index, to * work->block, from * work->block);
}

static struct origin origin(unsigned int rank, unsigned int ranks, size_t block, unsigned int which)
{
	return (struct origin){.rank = which, .ranks = 1, .first = rank * block};
}

const struct collective alltoall = {
	.name = "alltoall",
	.title = "all-to-all",
	.shape = "p2p",
	.src_blocks = true,
	.dst_blocks = true,
	.all_pairs = true,
	.bus_factor = blocks_bus_factor,
	.sizes_sent = blocks_sizes_sent,
	.ops = ops,
	.op = op,
	.origin = origin,
};

// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's ring reduce-scatter: every rank ends with its own block of the sum of all ranks' buffers. */
#include "blocks.h"
#include "collective.h"

static unsigned int actions(const struct work *work, size_t hop)
{
	if (hop == 0)
		return OP_SEND;
	return OP_RECV | OP_REDUCE | (hop == work->ranks - 1 ? OP_COPY : OP_SEND);
}

/* The block of the rank before us has the longest way; our own comes last, with all the others' sums. */
static struct op op(const struct work *work, size_t index)
{
	const struct block_hop block = blocks_hop(work, index);
	size_t owner = (work->rank + 2 * (size_t)work->ranks - 1 - block.hop) % work->ranks;

	return (struct op){
		.actions = actions(work, block.hop),
		.src = owner * work->block + block.first,
		.dst = block.hop == work->ranks - 1 ? block.first : 0,
		.count = block.count,
	};
}

static struct origin origin(unsigned int rank, unsigned int ranks, size_t block, unsigned int which)
{
	return (struct origin){.rank = 0, .ranks = ranks, .first = rank * block};
}

const struct collective reducescatter = {
	.name = "reducescatter",
	.title = "reduce-scatter",
	.reduces = true,
	.shape = "simple",
	.src_blocks = true,
	.in_place = true,
	.bus_factor = blocks_bus_factor,
	.sizes_sent = blocks_sizes_sent,
	.ops = blocks_ops,
	.op = op,
	.origin = origin,
};

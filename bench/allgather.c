// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's ring all-gather: every rank ends with all ranks' blocks, one after the other. */
#include "blocks.h"
#include "collective.h"

static unsigned int actions(const struct work *work, size_t hop)
{
	if (hop == 0)
		return OP_COPY | OP_SEND;
	return hop == work->ranks - 1 ? OP_RECV | OP_COPY : OP_RECV | OP_COPY | OP_SEND;
}

/* Our own block first, then that of the rank before, and so on. */
static struct op op(const struct work *work, size_t index)
{
	const struct block_hop block = blocks_hop(work, index);
	size_t owner = (work->rank + work->ranks - block.hop) % work->ranks;

	return (struct op){
		.actions = actions(work, block.hop),
		.src = block.hop == 0 ? block.first : 0,
		.dst = owner * work->block + block.first,
		.count = block.count,
	};
}

static struct origin origin(unsigned int rank, unsigned int ranks, size_t block, unsigned int which)
{
	return (struct origin){.rank = which, .ranks = 1, .first = 0};
}

const struct collective allgather = {
	.name = "allgather",
	.title = "all-gather",
	.shape = "simple",
	.dst_blocks = true,
	.in_place = true,
	.bus_factor = blocks_bus_factor,
	.sizes_sent = blocks_sizes_sent,
	.ops = blocks_ops,
	.op = op,
	.origin = origin,
};

// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's ring all-gather: every rank ends with all ranks' blocks, one after the other. */
#include "collective.h"

/* A chunk of each block travels n - 1 hops. */
static size_t ops(const struct work *work)
{
	return work_chunks(work) * work->ranks;
}

static unsigned int actions(const struct work *work, size_t hop)
{
	if (hop == 0)
		return OP_COPY | OP_SEND;
	return hop == work->ranks - 1 ? OP_RECV | OP_COPY : OP_RECV | OP_COPY | OP_SEND;
}

/* Our own block first, then that of the rank before, and so on. */
static struct op op(const struct work *work, size_t index)
{
	size_t hop = index % work->ranks, first;
	size_t count = work_chunk_at(work, index / work->ranks, &first);
	size_t owner = (work->rank + work->ranks - hop) % work->ranks;

	return (struct op){
		.actions = actions(work, hop),
		.src = hop == 0 ? first : 0,
		.dst = owner * work->block + first,
		.count = count,
	};
}

static double bus_factor(double ranks)
{
	return (ranks - 1) / ranks;
}

/* Each block, an n-th of the size, takes n - 1 hops. */
static unsigned int sizes_sent(unsigned int ranks)
{
	return ranks - 1;
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
	.bus_factor = bus_factor,
	.sizes_sent = sizes_sent,
	.ops = ops,
	.op = op,
	.origin = origin,
};

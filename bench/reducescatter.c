// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's ring reduce-scatter: every rank ends with its own block of the sum of all ranks' buffers. */
#include "collective.h"

/* A chunk of each block gathers sums on n - 1 hops. */
static size_t ops(const struct work *work)
{
	return work_chunks(work) * work->ranks;
}

static unsigned int actions(const struct work *work, size_t hop)
{
	if (hop == 0)
		return OP_SEND;
	return OP_RECV | OP_REDUCE | (hop == work->ranks - 1 ? OP_COPY : OP_SEND);
}

/* The block of the rank before us has the longest way; our own comes last, with all the others' sums. */
static struct op op(const struct work *work, size_t index)
{
	size_t hop = index % work->ranks, first;
	size_t count = work_chunk_at(work, index / work->ranks, &first);
	size_t owner = (work->rank + 2 * (size_t)work->ranks - 1 - hop) % work->ranks;

	return (struct op){
		.actions = actions(work, hop),
		.src = owner * work->block + first,
		.dst = hop == work->ranks - 1 ? first : 0,
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
	return (struct origin){.rank = 0, .ranks = ranks, .first = rank * block};
}

const struct collective reducescatter = {
	.name = "reducescatter",
	.title = "reduce-scatter",
	.reduces = true,
	.shape = "simple",
	.src_blocks = true,
	.in_place = true,
	.bus_factor = bus_factor,
	.sizes_sent = sizes_sent,
	.ops = ops,
	.op = op,
	.origin = origin,
};

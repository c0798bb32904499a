// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's ring all-reduce: every rank ends with the sum of all ranks' buffers. */
#include "collective.h"

/* A loop is one turn of every rank's chunk around the ring. */
static size_t loop_elements(const struct work *work)
{
	return work->ranks * work_chunk(work);
}

/* First every rank's chunk gathers sums on n - 1 hops, then the sums travel n - 1 hops. */
static size_t loop_ops(const struct work *work)
{
	return 2 * (size_t)work->ranks - 1;
}

static size_t ops(const struct work *work)
{
	return div_up(work->count, loop_elements(work)) * loop_ops(work);
}

static unsigned int actions(const struct work *work, size_t hop)
{
	size_t last = loop_ops(work) - 1, n = work->ranks;

	if (hop == 0)
		return OP_SEND;
	if (hop == last)
		return OP_RECV | OP_COPY;
	if (hop < n - 1)
		return OP_RECV | OP_REDUCE | OP_SEND;
	if (hop == n - 1)
		return OP_RECV | OP_REDUCE | OP_COPY | OP_SEND;
	return OP_RECV | OP_COPY | OP_SEND;
}

/* The last loop's chunks are smaller; they still start on 16 bytes. */
static size_t chunk_elements(const struct work *work, size_t remaining)
{
	size_t align = 16 / work->element_size;

	if (remaining >= loop_elements(work))
		return work_chunk(work);
	return div_up(div_up(remaining, work->ranks), align) * align;
}

static struct op op(const struct work *work, size_t index)
{
	size_t hop = index % loop_ops(work);
	size_t start = index / loop_ops(work) * loop_elements(work);
	size_t remaining = min_size(work->count - start, loop_elements(work));
	size_t chunk = chunk_elements(work, work->count - start);
	/* At each hop a rank works on the chunk that its predecessor worked on one hop earlier. */
	size_t number = (work->rank + 2 * (size_t)work->ranks - 1 - hop) % work->ranks;
	size_t offset = min_size(number * chunk, remaining);
	size_t first = work->first + start + offset;

	return (struct op){
		.actions = actions(work, hop),
		.src = first,
		.dst = first,
		.count = min_size(chunk, remaining - offset),
	};
}

static double bus_factor(double ranks)
{
	return 2 * (ranks - 1) / ranks;
}

/* Each rank sends its n-th of a buffer 2 (n - 1) times. */
static unsigned int sizes_sent(unsigned int ranks)
{
	return 2 * (ranks - 1);
}

static struct origin origin(unsigned int rank, unsigned int ranks, size_t block, unsigned int which)
{
	return (struct origin){.rank = 0, .ranks = ranks, .first = 0};
}

const struct collective allreduce = {
	.name = "allreduce",
	.title = "all-reduce",
	.reduces = true,
	.shape = "simple",
	.in_place = true,
	.bus_factor = bus_factor,
	.sizes_sent = sizes_sent,
	.ops = ops,
	.op = op,
	.origin = origin,
};

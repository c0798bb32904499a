// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's ring broadcast: every rank ends with the root's buffer, which travels along the ring up to the rank before it. Ranks are counted from the root. */
#include "collective.h"

static size_t ops(const struct work *work)
{
	return work_chunks(work);
}

static unsigned int actions(const struct work *work)
{
	if (work->rank == 0)
		return OP_COPY | OP_SEND;
	return work->rank == work->ranks - 1 ? OP_RECV | OP_COPY : OP_RECV | OP_COPY | OP_SEND;
}

static struct op op(const struct work *work, size_t index)
{
	size_t first, count = work_chunk_at(work, index, &first);

	return (struct op){
		.actions = actions(work),
		.src = work->rank == 0 ? first : 0,
		.dst = first,
		.count = count,
	};
}

static double bus_factor(double ranks)
{
	return 1;
}

static unsigned int sizes_sent(unsigned int ranks)
{
	return ranks - 1;
}

static struct origin origin(unsigned int rank, unsigned int ranks, size_t block, unsigned int which)
{
	return (struct origin){.rank = 0, .ranks = 1, .first = 0};
}

const struct collective broadcast = {
	.name = "broadcast",
	.title = "broadcast",
	.rooted = true,
	.shape = "broadcast",
	.in_place = true,
	.bus_factor = bus_factor,
	.sizes_sent = sizes_sent,
	.ops = ops,
	.op = op,
	.origin = origin,
};

// SPDX-License-Identifier: BSD-3-Clause
/* Blocks that take turns on the ring of ranks. */
#include "blocks.h"

size_t blocks_ops(const struct work *work)
{
	return work_chunks(work) * work->ranks;
}

struct block_hop blocks_hop(const struct work *work, size_t index)
{
	struct block_hop hop = { .hop = index % work->ranks };

	hop.count = work_chunk_at(work, index / work->ranks, &hop.first);
	return hop;
}

double blocks_bus_factor(double ranks)
{
	return (ranks - 1) / ranks;
}

/* Each block, an n-th of the size, goes from n - 1 ranks to another. */
unsigned int blocks_sizes_sent(unsigned int ranks)
{
	return ranks - 1;
}

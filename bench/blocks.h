/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks that take turns on the ring of ranks, a chunk of each at a time: what all-gather and reduce-scatter are made of. */
#ifndef BENCH_BLOCKS_H
#define BENCH_BLOCKS_H

#include "work.h"

/* A chunk of each block makes ranks - 1 hops, so that a rank has that many operations with it and one more. */
struct block_hop {
	size_t hop;	/* 0 to ranks - 1 */
	size_t first;	/* element of the block at which the chunk begins */
	size_t count;	/* elements */
};

size_t blocks_ops(const struct work *work);
struct block_hop blocks_hop(const struct work *work, size_t index);

/* What collectives with a block for each rank have in common: bus bandwidth, and sizes that are sent. */
double blocks_bus_factor(double ranks);
unsigned int blocks_sizes_sent(unsigned int ranks);

#endif

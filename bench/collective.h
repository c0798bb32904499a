/* SPDX-License-Identifier: BSD-3-Clause */
/* A collective operation: who sends which elements to whom in which order, and what the right result is. */
#ifndef BENCH_COLLECTIVE_H
#define BENCH_COLLECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "element.h"
#include "work.h"

struct collective {
	const char *name;	/* its program's */
	const char *title;	/* in words; with an s for more than one */
	bool reduces;		/* results are sums */
	bool rooted;		/* ranks are counted from the root, which is 0 in all that follows */
	const char *shape;	/* of the FIFOs, as NCCL has it for large messages */
	/* The buffer has a block of elements for each rank, one after the other. A size is that of the larger buffer. */
	bool src_blocks, dst_blocks;
	bool in_place;		/* nccl-tests runs it in place, too: one buffer, of which a rank's block is the other */
	bool all_pairs;		/* ranks have links at distances 1 to ranks - 1, not only at 1 */

	/* Algorithm bandwidth times this is bus bandwidth, as nccl-tests counts it. */
	double (*bus_factor)(double ranks);
	/* Sizes that all ranks together send. */
	unsigned int (*sizes_sent)(unsigned int ranks);
	/* The operations of a link, in order. */
	size_t (*ops)(const struct work *work);
	struct op (*op)(const struct work *work, size_t index);
	/* Where the elements of a @rank's result come from; @which of its blocks of @block elements, 0 when it has none. */
	struct origin (*origin)(unsigned int rank, unsigned int ranks, size_t block,
				unsigned int which);
};

extern const struct collective allreduce, allgather, reducescatter, broadcast, sendrecv, alltoall;

/* NULL when @name is none. */
const struct collective *collective_find(const char *name);
/* @rank as counted from @root, and back. */
unsigned int collective_from_root(unsigned int rank, unsigned int ranks, unsigned int root);
unsigned int collective_rank_of(unsigned int rank, unsigned int ranks, unsigned int root);
/* Blocks in each buffer, and those by which a size is divided. */
unsigned int collective_src_blocks(const struct collective *collective, unsigned int ranks);
unsigned int collective_dst_blocks(const struct collective *collective, unsigned int ranks);
unsigned int collective_blocks(const struct collective *collective, unsigned int ranks);
/* Links of a channel: their distances are 1 to this. */
unsigned int collective_links(const struct collective *collective, unsigned int ranks);
/* Steps of the FIFO that all operations of @work with @action take: OP_SEND or OP_RECV. */
size_t collective_steps(const struct collective *collective, const struct work *work,
			enum op_action action);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What one link of one rank has to do, as a list of operations; and how NCCL cuts it into chunks and slices. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stddef.h>

#include "fifo.h"

struct work {
	unsigned int rank, ranks;	/* two ranks or more */
	unsigned int distance;		/* it sends to rank + distance and receives from rank - distance */
	const struct fifo_shape *shape;	/* of its FIFOs */
	size_t element_size;		/* bytes; divides 16 */
	size_t block;			/* elements: of a buffer, or of each rank's block where it has such */
	size_t first, count;		/* the channel's elements of every block */
};

enum op_action {
	OP_RECV = 1,	/* take what came; without it our own elements are taken */
	OP_REDUCE = 2,	/* add our own elements to what was received */
	OP_COPY = 4,	/* the result is final: keep it */
	OP_SEND = 8,
};

struct op {
	unsigned int actions;	/* mask of enum op_action */
	size_t src, dst;	/* elements: where ours are, and where the result is kept; 0 when neither is used */
	size_t count;		/* elements; 0 is sent and received like any other */
};

/* Sets the part of every block that falls to @channel of @channels. Parts are whole multiples of 512 bytes, but for the last. */
void work_split(struct work *work, unsigned int channel, unsigned int channels);

/* Elements of a chunk that fills its slices. */
size_t work_chunk(const struct work *work);
/* The part in chunks, one after the other: how many, and the elements of one; *@first is where it starts in every block. */
size_t work_chunks(const struct work *work);
size_t work_chunk_at(const struct work *work, size_t index, size_t *first);
/* Elements of a slice when an operation has @count: the first slice is filled first. */
size_t work_slice(const struct work *work, size_t count);

static inline size_t div_up(size_t a, size_t b)
{
	return (a + b - 1) / b;
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

#endif

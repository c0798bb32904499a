/* SPDX-License-Identifier: BSD-3-Clause */
/* NCCL's ring all-reduce as a list of operations: which elements a rank receives, adds, keeps and sends, in order. */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include <stddef.h>

#include "fifo.h"

/* What one channel of one rank has to do. */
struct ring {
	unsigned int rank, ranks;	/* two ranks or more */
	const struct fifo_shape *shape;	/* of its FIFOs */
	size_t element_size;		/* bytes; divides 16 */
	size_t first, count;		/* the channel's elements of the buffer */
};

enum ring_action {
	RING_RECV = 1,
	RING_REDUCE = 2,	/* add our own elements to what was received */
	RING_COPY = 4,		/* the result is final: keep it */
	RING_SEND = 8,
};

struct ring_op {
	unsigned int actions;	/* mask of enum ring_action */
	size_t first, count;	/* elements; count 0 is sent and received like any other */
};

/* The part of @count elements that falls to @channel of @channels. Parts are whole multiples of 512 bytes, but for the last. */
void ring_part(size_t count, size_t element_size, unsigned int channel, unsigned int channels,
	       size_t *first, size_t *part);

size_t ring_ops(const struct ring *ring);
struct ring_op ring_op(const struct ring *ring, size_t index);
/* Steps of the FIFO that all of the ring's sends take; its receives take as many. */
size_t ring_steps(const struct ring *ring);
/* Elements of a slice when an operation has @count: the first slice is filled first. */
size_t ring_slice(const struct ring *ring, size_t count);

#endif

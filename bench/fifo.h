/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring buffer between NCCL's kernel and its proxy: eight steps, some of which make a slice. */
#ifndef BENCH_FIFO_H
#define BENCH_FIFO_H

#include <stddef.h>
#include <stdint.h>

#define FIFO_STEPS 8

/* How a FIFO is cut: NCCL's figures with its default buffer sizes. One message is a slice. */
struct fifo_shape {
	const char *name;
	size_t bytes;			/* of the whole FIFO */
	unsigned int slice_steps;	/* of FIFO_STEPS: so many steps less are under way at once */
	unsigned int chunk_slices;	/* slices that belong together */
};

/* Rings by the protocols Simple, LL and LL128, a broadcast's ring by Simple, and what sends and receives between two ranks look like. The first is the default. */
extern const struct fifo_shape fifo_shapes[];
extern const unsigned int fifo_n_shapes;
/* NULL when @name is none. */
const struct fifo_shape *fifo_shape_find(const char *name);

#define FIFO_SIZE_UNKNOWN (-1)	/* the plugin did not tell */

/*
 * Written by its producer up to tail, given back by its consumer up to head. Kernel and proxy share
 * a thread here: no atomics.
 */
struct fifo {
	const struct fifo_shape *shape;
	uint8_t *data;
	uint64_t head, tail;		/* in steps */
	int size[FIFO_STEPS];		/* bytes of the slice that starts in this step */
};

static inline uint8_t *fifo_slot(const struct fifo *fifo, uint64_t step)
{
	return fifo->data + step % FIFO_STEPS * (fifo->shape->bytes / FIFO_STEPS);
}

static inline size_t fifo_slice_bytes(const struct fifo_shape *shape)
{
	return shape->bytes / FIFO_STEPS * shape->slice_steps;
}

#endif

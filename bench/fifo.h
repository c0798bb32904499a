/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring buffer between NCCL's kernel and its proxy: eight steps, one slice takes two, one chunk four. */
#ifndef BENCH_FIFO_H
#define BENCH_FIFO_H

#include <stddef.h>
#include <stdint.h>

/* NCCL's figures for ring and the Simple protocol with the default NCCL_BUFFSIZE. */
#define FIFO_STEPS 8
#define FIFO_SLICE_STEPS 2
#define FIFO_CHUNK_SLICES 2
#define FIFO_BYTES ((size_t)4 << 20)
#define FIFO_STEP_BYTES (FIFO_BYTES / FIFO_STEPS)
#define FIFO_SLICE_BYTES (FIFO_STEP_BYTES * FIFO_SLICE_STEPS)
#define FIFO_CHUNK_BYTES (FIFO_SLICE_BYTES * FIFO_CHUNK_SLICES)

#define FIFO_SIZE_UNKNOWN (-1)	/* the plugin did not tell */

/*
 * Written by its producer up to tail, given back by its consumer up to head. Kernel and proxy share
 * a thread here: no atomics.
 */
struct fifo {
	uint8_t *data;
	uint64_t head, tail;		/* in steps */
	int size[FIFO_STEPS];		/* bytes of the slice that starts in this step */
};

static inline uint8_t *fifo_slot(const struct fifo *fifo, uint64_t step)
{
	return fifo->data + step % FIFO_STEPS * FIFO_STEP_BYTES;
}

#endif

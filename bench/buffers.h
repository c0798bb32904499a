/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's buffers of one rank: filled before a collective, and looked at after it. */
#ifndef BENCH_BUFFERS_H
#define BENCH_BUFFERS_H

#include "args.h"
#include "failure.h"

#define RESULT_GUARD 64	/* bytes after the result that must stay as they were */

/* Shared by the plugins that are measured, which take turns. */
struct buffers {
	const struct args *args;
	unsigned int rank, ranks;
	int gpu;			/* CUDA device of memory of kind cuda; -1: the current one */
	struct devmem_exporter *exporter;
	struct devmem_mem *src, *dst;
	uint8_t *shadow;		/* of one of them, where the CPU does not reach it, or NULL */
	bool in_place;			/* data and result are in @dst both */
	uint32_t round;			/* of the data pattern; new for every check */
	struct failure *failure;
};

/* Each int is 0, or -1 with the failure set. */
int buffers_open(struct buffers *buffers);
void buffers_close(struct buffers *buffers);

/* Elements of a block when the larger of a rank's buffers has @bytes, and the other way round. */
size_t buffers_block(const struct buffers *buffers, uint64_t bytes);
uint64_t buffers_bytes(const struct buffers *buffers, size_t block);

/* Where a collective finds its data and leaves its result. */
void *buffers_src(const struct buffers *buffers, size_t block);
void *buffers_dst(const struct buffers *buffers, size_t block);
/* New data, and a result that is all wrong. */
int buffers_fill(struct buffers *buffers, size_t block);
/* Counts elements of the result that are wrong and bytes after it that were overwritten, and says which. */
int buffers_check(struct buffers *buffers, size_t block, uint64_t *wrong);

#endif

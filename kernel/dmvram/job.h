/* SPDX-License-Identifier: GPL-2.0-only */
/* A job of the copy engine: a list of pieces with all that they hold, made from a user's list. */
#ifndef _DMVRAM_JOB_H
#define _DMVRAM_JOB_H

#include "dmvram.h"

/* One side: device memory at @addr, or pages of a process from byte @addr of the first one. */
struct dmvram_copy_side {
	struct dma_buf *dmabuf; /* NULL: pages */
	dma_addr_t addr;
	struct page **pages;
	unsigned long n_pages;
};

struct dmvram_copy_piece {
	struct dmvram_copy_side dst, src;
	size_t len;
};

struct dmvram_job {
	struct work_struct work;
	struct dmvram_file *file;
	u64 fence;
	unsigned int n;
	struct dmvram_copy_piece pieces[] __counted_by(n);
};

/* Checks a user's list, takes its buffers and pins its pages. */
struct dmvram_job *dmvram_job_new(struct dmvram_file *file, const struct dmvram_copy *copy);
void dmvram_job_free(struct dmvram_job *job);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What NCCL's GPU kernel does for one link: sums and copies between user buffers and FIFOs. */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <stdbool.h>

#include "collective.h"
#include "element.h"
#include "failure.h"
#include "far.h"
#include "fifo.h"
#include "kernel_unpack.h"

struct kernel {
	const struct collective *collective;
	struct work work;
	const struct element *element;
	const uint8_t *src;		/* the user's buffers, whole */
	uint8_t *dst;
	struct fifo *recv, *send;
	const struct far *far;		/* where the buffers are, NULL when the CPU reaches them */
	struct kernel_unpack unpack;		/* where the plugin leaves it to the kernel to place what came */
	size_t op;			/* next operation */
	unsigned int slice;		/* next slice of it */
};

bool kernel_done(const struct kernel *kernel);
/* Does the next slice if both FIFOs are ready for it: 1 when it did, 0 when not, -1 when what came is not what must come or could not be copied. */
int kernel_step(struct kernel *kernel, struct failure *failure);

#endif

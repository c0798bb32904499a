/* SPDX-License-Identifier: BSD-3-Clause */
/* What NCCL's kernels do where a plugin leaves received payload in its own memory: bring it to the FIFO. */
#ifndef BENCH_KERNEL_UNPACK_H
#define BENCH_KERNEL_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "far.h"
#include "nccl/unpack.h"

struct kernel_unpack {
	struct nccl_unpack_handle *handle;	/* NULL: there is nothing to unpack */
	uint64_t head;				/* the last message that was unpacked */
};

/* A kernel begins and ends: only in between the count is its own. */
void kernel_unpack_start(struct kernel_unpack *unpack, struct nccl_unpack_handle *handle);
void kernel_unpack_end(struct kernel_unpack *unpack);
/* Brings the next message of @bytes bytes to @slot; @far where the CPU does not reach. 0 or -1. */
int kernel_unpack_message(struct kernel_unpack *unpack, uint8_t *slot, size_t bytes, const struct far *far,
		   struct failure *failure);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a net plugin and NCCL's kernels share about a receiving connection of type UNPACK, version 7. */
#ifndef NCCL_UNPACK_H
#define NCCL_UNPACK_H

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

/* Our own declarations of the binary interface of NCCL 2.19 to 2.30, which is the same in all of them. */

#define NCCL_UNPACK_SLOTS 16		/* messages that are posted and not consumed */
#define NCCL_UNPACK_LOADS 2048		/* of one message */
#define NCCL_UNPACK_NO_MESSAGE (~(uint64_t)0)	/* head before the first */

/* Bytes that the kernel is to move: from the handle's bounce_buf + src_off to the message's buffer + dst_off. Quickest when both are multiples of 16. */
struct nccl_unpack_load {
	alignas(16) uint32_t src_off;
	uint32_t len;
	uint64_t dst_off;
};

/* Message n, counted from 0 over every receive of the connection, empty ones included, has slot n modulo NCCL_UNPACK_SLOTS. */
struct nccl_unpack_meta {
	struct nccl_unpack_load loads[NCCL_UNPACK_SLOTS][NCCL_UNPACK_LOADS];
	uint64_t count[NCCL_UNPACK_SLOTS];
};

/*
 * Kernels read it when they begin, and write head when they end: the number of the last message that they unpacked.
 * @meta and the handle itself are addresses of the device. A kernel that serves several connections takes one
 * bounce_buf for all, so it must be the same in all handles of a device.
 */
struct nccl_unpack_handle {
	struct nccl_unpack_meta *meta;
	void *bounce_buf;
	uint64_t head;
};

static_assert(sizeof(struct nccl_unpack_load) == 16, "NCCL's kernels read it");
static_assert(offsetof(struct nccl_unpack_meta, count) == 524288 && sizeof(struct nccl_unpack_meta) == 524416, "NCCL's kernels read it");
static_assert(sizeof(struct nccl_unpack_handle) == 24, "NCCL's kernels read it");

#endif

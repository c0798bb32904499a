// SPDX-License-Identifier: BSD-3-Clause
/* What NCCL's kernels do where a plugin leaves received payload in its own memory. */
#include "kernel_unpack.h"

#include <string.h>

#define BATCH 256

void kernel_unpack_start(struct kernel_unpack *unpack, struct nccl_unpack_handle *handle)
{
	*unpack = (struct kernel_unpack){ .handle = handle, .head = handle->head };
}

void kernel_unpack_end(struct kernel_unpack *unpack)
{
	if (unpack->handle)
		unpack->handle->head = unpack->head;
}

static int check(const struct nccl_unpack_load *load, size_t bytes, uint64_t message,
		 struct failure *failure)
{
	if (load->len && load->len <= bytes && load->dst_off <= bytes - load->len)
		return 0;
	return fail(failure,
		    "message %lu of %zu bytes is to be unpacked with %u bytes at offset %lu: NCCL's kernel would write elsewhere",
		    message, bytes, load->len, load->dst_off);
}

static int move(const struct devmem_copy *pieces, unsigned int n, const struct far *far,
		struct failure *failure)
{
	int ret = 0;

	if (far)
		ret = n ? far_copy(far->exporter, pieces, n) : 0;
	else
		for (unsigned int i = 0; i < n; i++)
			memcpy(pieces[i].dst, pieces[i].src, pieces[i].len);
	return ret ? fail(failure, "unpacking in device memory: %s", strerror(-ret)) : 0;
}

int kernel_unpack_message(struct kernel_unpack *unpack, uint8_t *slot, size_t bytes, const struct far *far,
		   struct failure *failure)
{
	const struct nccl_unpack_meta *meta = unpack->handle->meta;
	uint64_t message = ++unpack->head, count = meta->count[message % NCCL_UNPACK_SLOTS];
	const struct nccl_unpack_load *loads = meta->loads[message % NCCL_UNPACK_SLOTS];
	struct devmem_copy pieces[BATCH];
	unsigned int n = 0;

	if (count > NCCL_UNPACK_LOADS)
		return fail(failure, "message %lu is to be unpacked in %lu pieces: NCCL's kernel reads %d at most",
			    message, count, NCCL_UNPACK_LOADS);
	for (uint64_t i = 0; i < count; i++) {
		if (check(&loads[i], bytes, message, failure))
			return -1;
		pieces[n++] = (struct devmem_copy){ slot + loads[i].dst_off,
						    (char *)unpack->handle->bounce_buf + loads[i].src_off, loads[i].len };
		if (n == BATCH) {
			if (move(pieces, n, far, failure))
				return -1;
			n = 0;
		}
	}
	return move(pieces, n, far, failure);
}

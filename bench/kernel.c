// SPDX-License-Identifier: BSD-3-Clause
/* What NCCL's GPU kernel does for one channel, as a machine that never waits. */
#include "kernel.h"

#include <string.h>

bool kernel_done(const struct kernel *kernel)
{
	return kernel->op == ring_ops(&kernel->ring);
}

static bool ready(const struct kernel *kernel, unsigned int actions)
{
	if (actions & RING_RECV && kernel->recv->tail < kernel->recv->head + kernel->recv->shape->slice_steps)
		return false;
	if (actions & RING_SEND &&
	    kernel->send->head + FIFO_STEPS < kernel->send->tail + kernel->send->shape->slice_steps)
		return false;
	return true;
}

static int check_size(const struct kernel *kernel, size_t bytes, struct failure *failure)
{
	int got = kernel->recv->size[kernel->recv->head % FIFO_STEPS];

	if (got == FIFO_SIZE_UNKNOWN || (size_t)got == bytes)
		return 0;
	return fail(
		failure,
		"a receive completed with %d bytes where the peer sent %zu (operation %zu of %zu, slice %u)",
		got, bytes, kernel->op, ring_ops(&kernel->ring), kernel->slice);
}

/* The places of a slice, and what there is to do. */
struct slice {
	const void *own, *data;		/* ours, and what came or also ours */
	void *out, *keep;
	size_t count;			/* elements */
	bool sum, also_keep;
};

static struct slice find_slice(const struct kernel *kernel, const struct ring_op *op, size_t first,
			       size_t count)
{
	size_t size = kernel->element->size;
	struct slice slice = {
		.own = kernel->src + first * size,
		.keep = kernel->dst + first * size,
		.count = count,
		.sum = op->actions & RING_REDUCE,
	};

	slice.data = op->actions & RING_RECV ? fifo_slot(kernel->recv, kernel->recv->head)
					     : slice.own;
	slice.out = op->actions & RING_SEND ? fifo_slot(kernel->send, kernel->send->tail)
					    : slice.keep;
	slice.also_keep = op->actions & RING_COPY && slice.out != slice.keep;
	return slice;
}

static void work_near(const struct kernel *kernel, const struct slice *slice)
{
	size_t bytes = slice->count * kernel->element->size;

	if (slice->sum)
		kernel->element->sum(slice->out, slice->data, slice->own, slice->count);
	else
		memcpy(slice->out, slice->data, bytes);
	if (slice->also_keep)
		memcpy(slice->keep, slice->out, bytes);
}

/* A GPU adds where the data is; here the sum is made in host memory. */
static int work_far(const struct kernel *kernel, const struct slice *slice, struct failure *failure)
{
	const struct far *far = kernel->far;
	size_t bytes = slice->count * kernel->element->size;
	const void *data = slice->data;
	int ret = 0;

	if (slice->sum) {
		struct devmem_copy in[] = { { far->first, slice->data, bytes },
					    { far->second, slice->own, bytes } };

		ret = far_copy(far->exporter, in, 2);
		kernel->element->sum(far->first, far->first, far->second, slice->count);
		data = far->first;
	}
	if (!ret) {
		struct devmem_copy out[] = { { slice->out, data, bytes },
					     { slice->keep, data, bytes } };

		ret = far_copy(far->exporter, out, slice->also_keep ? 2 : 1);
	}
	if (ret)
		return fail(failure, "copying %zu bytes in device memory: %s", bytes,
			    strerror(-ret));
	return 0;
}

static int work(const struct kernel *kernel, const struct ring_op *op, size_t first, size_t count,
		struct failure *failure)
{
	struct slice slice = find_slice(kernel, op, first, count);

	if (kernel->far)
		return work_far(kernel, &slice, failure);
	work_near(kernel, &slice);
	return 0;
}

/* Every receive has its slot, empty ones too. */
static int unpack(struct kernel *kernel, size_t bytes, struct failure *failure)
{
	if (!kernel->unpack.handle)
		return 0;
	return kernel_unpack_message(&kernel->unpack, fifo_slot(kernel->recv, kernel->recv->head), bytes,
			      kernel->far, failure);
}

static void advance(struct kernel *kernel, const struct ring_op *op, size_t bytes)
{
	if (op->actions & RING_RECV)
		kernel->recv->head += kernel->recv->shape->slice_steps;
	if (op->actions & RING_SEND) {
		kernel->send->size[kernel->send->tail % FIFO_STEPS] = (int)bytes;
		kernel->send->tail += kernel->send->shape->slice_steps;
	}
	if (++kernel->slice == kernel->ring.shape->chunk_slices) {
		kernel->slice = 0;
		kernel->op++;
	}
}

int kernel_step(struct kernel *kernel, struct failure *failure)
{
	struct ring_op op;
	size_t slice, begin, end, bytes;

	if (kernel_done(kernel))
		return 0;
	op = ring_op(&kernel->ring, kernel->op);
	if (!ready(kernel, op.actions))
		return 0;
	slice = ring_slice(&kernel->ring, op.count);
	begin = kernel->slice * slice < op.count ? kernel->slice * slice : op.count;
	end = begin + slice < op.count ? begin + slice : op.count;
	bytes = (end - begin) * kernel->element->size;
	if (op.actions & RING_RECV &&
	    (check_size(kernel, bytes, failure) || unpack(kernel, bytes, failure)))
		return -1;
	if (bytes && work(kernel, &op, op.first + begin, end - begin, failure))
		return -1;
	advance(kernel, &op, bytes);
	if (kernel_done(kernel))
		kernel_unpack_end(&kernel->unpack);
	return 1;
}

// SPDX-License-Identifier: BSD-3-Clause
/* What NCCL's GPU kernel does for one link, as a machine that never waits. */
#include "kernel.h"

#include <string.h>

bool kernel_done(const struct kernel *kernel)
{
	return kernel->op == kernel->collective->ops(&kernel->work);
}

static bool ready(const struct kernel *kernel, unsigned int actions)
{
	if (actions & OP_RECV && kernel->recv->tail < kernel->recv->head + kernel->recv->shape->slice_steps)
		return false;
	if (actions & OP_SEND &&
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
		got, bytes, kernel->op, kernel->collective->ops(&kernel->work), kernel->slice);
}

/* The places of a slice, and what there is to do. */
struct slice {
	const void *own, *data;		/* ours, and what came or also ours */
	void *out, *keep;
	size_t count;			/* elements */
	bool sum, also_keep;
};

static struct slice find_slice(const struct kernel *kernel, const struct op *op)
{
	size_t size = kernel->element->size;
	struct slice slice = {
		.own = kernel->src + op->src * size,
		.keep = kernel->dst + op->dst * size,
		.count = op->count,
		.sum = op->actions & OP_REDUCE,
	};

	slice.data = op->actions & OP_RECV ? fifo_slot(kernel->recv, kernel->recv->head)
					   : slice.own;
	slice.out = op->actions & OP_SEND ? fifo_slot(kernel->send, kernel->send->tail)
					  : slice.keep;
	slice.also_keep = op->actions & OP_COPY && slice.out != slice.keep;
	return slice;
}

static void move_near(const struct kernel *kernel, const struct slice *slice)
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
static int move_far(const struct kernel *kernel, const struct slice *slice, struct failure *failure)
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

static int move(const struct kernel *kernel, const struct op *op, struct failure *failure)
{
	struct slice slice = find_slice(kernel, op);

	if (kernel->far)
		return move_far(kernel, &slice, failure);
	move_near(kernel, &slice);
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

static void advance(struct kernel *kernel, const struct op *op, size_t bytes)
{
	if (op->actions & OP_RECV)
		kernel->recv->head += kernel->recv->shape->slice_steps;
	if (op->actions & OP_SEND) {
		kernel->send->size[kernel->send->tail % FIFO_STEPS] = (int)bytes;
		kernel->send->tail += kernel->send->shape->slice_steps;
	}
	if (++kernel->slice == kernel->work.shape->chunk_slices) {
		kernel->slice = 0;
		kernel->op++;
	}
}

/* The part of the operation that is the next slice. */
static struct op next_slice(const struct kernel *kernel)
{
	struct op op = kernel->collective->op(&kernel->work, kernel->op);
	size_t slice = work_slice(&kernel->work, op.count);
	size_t begin = min_size(kernel->slice * slice, op.count);

	op.src += begin;
	op.dst += begin;
	op.count = min_size(slice, op.count - begin);
	return op;
}

int kernel_step(struct kernel *kernel, struct failure *failure)
{
	struct op op;
	size_t bytes;

	if (kernel_done(kernel))
		return 0;
	op = next_slice(kernel);
	if (!ready(kernel, op.actions))
		return 0;
	bytes = op.count * kernel->element->size;
	if (op.actions & OP_RECV &&
	    (check_size(kernel, bytes, failure) || unpack(kernel, bytes, failure)))
		return -1;
	if (bytes && move(kernel, &op, failure))
		return -1;
	advance(kernel, &op, bytes);
	if (kernel_done(kernel))
		kernel_unpack_end(&kernel->unpack);
	return 1;
}

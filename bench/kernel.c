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
	if (actions & RING_RECV && kernel->recv->tail < kernel->recv->head + FIFO_SLICE_STEPS)
		return false;
	if (actions & RING_SEND &&
	    kernel->send->head + FIFO_STEPS < kernel->send->tail + FIFO_SLICE_STEPS)
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

static void work(const struct kernel *kernel, const struct ring_op *op, size_t first, size_t count)
{
	size_t size = kernel->element->size;
	const void *own = kernel->src + first * size;
	const void *data = own;
	void *keep = kernel->dst + first * size;
	void *out = op->actions & RING_SEND ? fifo_slot(kernel->send, kernel->send->tail) : keep;

	if (op->actions & RING_RECV)
		data = fifo_slot(kernel->recv, kernel->recv->head);
	if (op->actions & RING_REDUCE)
		kernel->element->sum(out, data, own, count);
	else
		memcpy(out, data, count * size);
	if (op->actions & RING_COPY && out != keep)
		memcpy(keep, out, count * size);
}

static void advance(struct kernel *kernel, const struct ring_op *op, size_t bytes)
{
	if (op->actions & RING_RECV)
		kernel->recv->head += FIFO_SLICE_STEPS;
	if (op->actions & RING_SEND) {
		kernel->send->size[kernel->send->tail % FIFO_STEPS] = (int)bytes;
		kernel->send->tail += FIFO_SLICE_STEPS;
	}
	if (++kernel->slice == FIFO_CHUNK_SLICES) {
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
	if (op.actions & RING_RECV && check_size(kernel, bytes, failure))
		return -1;
	if (bytes)
		work(kernel, &op, op.first + begin, end - begin);
	advance(kernel, &op, bytes);
	return 1;
}

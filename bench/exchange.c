// SPDX-License-Identifier: BSD-3-Clause
/* A send to one rank and a receive from another, chunk by chunk. */
#include "exchange.h"

#include <stdbool.h>

/*
 * NCCL's kernel has threads of their own for each direction. Here they take turns, and sends lead by
 * what the FIFO holds: nobody waits for a chunk whose sender waits as well.
 */
static size_t lead(const struct work *work)
{
	size_t steps = (size_t)work->shape->slice_steps * work->shape->chunk_slices;

	return min_size(FIFO_STEPS / steps, work_chunks(work));
}

size_t exchange_ops(const struct work *work)
{
	return 2 * work_chunks(work);
}

static bool is_send(const struct work *work, size_t index)
{
	size_t ahead = lead(work);

	return index < ahead || (index < exchange_ops(work) - ahead && (index - ahead) % 2);
}

static size_t sent_before(const struct work *work, size_t index)
{
	size_t ahead = lead(work);

	return index < ahead ? index : min_size(ahead + (index - ahead) / 2, work_chunks(work));
}

struct op exchange_op(const struct work *work, size_t index, size_t src, size_t dst)
{
	size_t sent = sent_before(work, index), first, count;

	if (is_send(work, index)) {
		count = work_chunk_at(work, sent, &first);
		return (struct op){.actions = OP_SEND, .src = src + first, .count = count};
	}
	count = work_chunk_at(work, index - sent, &first);
	return (struct op){.actions = OP_RECV | OP_COPY, .dst = dst + first, .count = count};
}

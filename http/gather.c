// SPDX-License-Identifier: BSD-3-Clause
/* Brings what one connection receives to its place by the device's copy engine, in batches. */
#include "gather.h"
#include "clock.h"

#include <errno.h>

static struct gather_batch *batch_at(struct gather *gather, unsigned int i)
{
	return &gather->batches[(gather->first + i) % GATHER_BATCHES];
}

static struct gather_batch *last_batch(struct gather *gather)
{
	return batch_at(gather, gather->n - 1);
}

bool gather_ready(const struct gather *gather)
{
	unsigned int last = (gather->first + gather->n - 1) % GATHER_BATCHES;

	return !gather->n || (gather->n < GATHER_BATCHES && gather->batches[last].started);
}

void gather_begin(struct gather *gather, struct gather_owner *owner)
{
	struct gather_batch *batch = batch_at(gather, gather->n++);

	batch->started = false;
	batch->failed = 0;
	batch->owner = owner;
	batch->n_pieces = batch->n_tokens = 0;
	owner->pending++;
}

void gather_add(struct gather *gather, void *dst, const void *src, size_t len)
{
	struct gather_batch *batch = last_batch(gather);
	struct devmem_copy *last = batch->n_pieces ? &batch->pieces[batch->n_pieces - 1] : NULL;

	if (last && (const char *)last->src + last->len == src &&
	    (char *)last->dst + last->len == dst)
		last->len += len;
	else
		batch->pieces[batch->n_pieces++] = (struct devmem_copy){dst, src, len};
}

void gather_hold(struct gather *gather, uint32_t token)
{
	struct gather_batch *batch = last_batch(gather);

	batch->tokens[batch->n_tokens++] = token;
}

/* @result: the engine's word on the first batch. */
static int end_batch(struct gather *gather, struct devmem_stream *stream, int result)
{
	struct gather_batch *batch = batch_at(gather, 0);
	int ret = 0;

	for (unsigned int i = 0; i < batch->n_tokens; i++) {
		int one = devmem_stream_token_put(stream, batch->tokens[i]);

		ret = ret ? ret : one;
	}
	batch->owner->pending--;
	if (result < 0)
		batch->owner->failed = result;
	gather->first = (gather->first + 1) % GATHER_BATCHES;
	gather->n--;
	if (!gather->n)
		gather->from_bounce = false;
	return result < 0 ? result : ret;
}

static int start(struct gather *gather, struct gather_batch *batch,
		 struct devmem_exporter *exporter)
{
	uint64_t before = gather->copy_ns ? clock_own_ns() : 0;
	int ret = devmem_copy_start(exporter, batch->pieces, batch->n_pieces, &batch->fence);

	if (gather->copy_ns)
		*gather->copy_ns += clock_own_ns() - before;
	return ret;
}

/* 1: the engine is through with it, 0: not yet, or it is full, -errno: it failed. */
static int move_batch(struct gather *gather, struct gather_batch *batch,
		      struct devmem_exporter *exporter)
{
	if (!batch->started) {
		int ret = batch->n_pieces ? start(gather, batch, exporter) : 0;

		if (ret == -EAGAIN)
			return 0;
		batch->started = true;
		batch->failed = ret;
	}
	if (batch->failed || !batch->n_pieces)
		return batch->failed ? batch->failed : 1;
	return devmem_copy_done(exporter, batch->fence);
}

int gather_progress(struct gather *gather, struct devmem_exporter *exporter,
		    struct devmem_stream *stream)
{
	int failed = 0;

	while (gather->n) {
		int ret = move_batch(gather, batch_at(gather, 0), exporter);

		/* If it fails, that is told in its turn: the engine still works at the first. */
		if (!ret && gather->n > 1)
			(void)move_batch(gather, last_batch(gather), exporter);
		if (!ret)
			return failed;
		ret = end_batch(gather, stream, ret);
		failed = failed ? failed : ret;
	}
	return failed ? failed : 1;
}

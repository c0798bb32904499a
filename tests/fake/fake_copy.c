// SPDX-License-Identifier: BSD-3-Clause
/* The stand-in's copies: what is checked when they are called, and what they do when their turn has
 * come. */
#include "cuda_abi.h"
#include "fake_stream.h"

#include <stdlib.h>
#include <string.h>

/* By way of host memory, so that each bit can be turned. */
static void garble(const struct fake_piece *piece)
{
	struct fake_place between = {.host = malloc(piece->size)};

	if (!between.host)
		fake_misuse("the fake is out of memory");
	fake_move(&between, &piece->src.place, piece->size);
	for (size_t i = 0; i < piece->size; i++)
		between.host[i] ^= 0xff;
	fake_move(&piece->dst.place, &between, piece->size);
	free(between.host);
}

void fake_carry_out(const struct fake_piece *piece)
{
	struct fake_place staged = {.host = piece->staged};

	if (piece->garbled)
		garble(piece);
	else
		fake_move(&piece->dst.place, piece->staged ? &staged : &piece->src.place,
			  piece->size);
}

static struct fake_side side_of(fake_ptr addr, size_t size, const char *call)
{
	struct fake_side side = {.place.host = (uint8_t *)(uintptr_t)addr};
	struct fake_alloc *alloc = fake_alloc_find((uintptr_t)addr);

	if (!alloc && fake_is_device_address((uintptr_t)addr))
		fake_misuse("%s: %#llx is in no allocation", call, addr);
	if (!alloc) {
		side.pinned = fake_pinned_find((uintptr_t)addr);
		return side;
	}
	if (alloc->freed)
		fake_misuse("%s: the memory at %#llx was freed", call, addr);
	if (size > alloc->addr + alloc->size - addr)
		fake_misuse("%s: %zu bytes at %#llx leave the allocation of %zu bytes at %#lx",
			    call, size, addr, alloc->size, (unsigned long)alloc->addr);
	side.place.alloc = alloc;
	side.place.offset = addr - alloc->addr;
	return side;
}

static bool garbled(const struct fake_context *context, const struct fake_side *src)
{
	return src->place.alloc && src->place.alloc->exported && !context->flushed &&
	       fake.knobs[context->device][FAKE_ORDERING] < 100;
}

/* Called with the lock held. Pageable sources are read at once, as the driver does. */
static void make_piece(struct fake_context *context, struct fake_piece *piece, fake_ptr dst,
		       fake_ptr src, size_t size, const char *call)
{
	*piece = (struct fake_piece){
		.dst = side_of(dst, size, call), .src = side_of(src, size, call), .size = size};
	if (!size)
		fake_misuse("%s of 0 bytes", call);
	piece->garbled = garbled(context, &piece->src);
	fake.counts[context->device][FAKE_COUNT_UNFLUSHED] += piece->garbled;
	if (piece->dst.place.alloc)
		piece->dst.place.alloc->uses++;
	if (piece->src.place.alloc)
		piece->src.place.alloc->uses++;
	if (piece->dst.pinned)
		piece->dst.pinned->uses++;
	if (piece->src.pinned)
		piece->src.pinned->uses++;
	if (!piece->src.place.alloc && !piece->src.pinned) {
		piece->staged = malloc(size);
		if (!piece->staged)
			fake_misuse("the fake is out of memory");
		memcpy(piece->staged, piece->src.place.host, size);
	}
	fake.counts[context->device][FAKE_COUNT_PIECES]++;
}

/* A copy to pageable memory comes back when it is done, as the driver's. */
static void wait_if_pageable(struct fake_stream *stream, const struct fake_side *dst)
{
	if (dst->place.alloc || dst->pinned)
		return;
	fake.counts[stream->device][FAKE_COUNT_BLOCKED]++;
	while (stream->pending)
		pthread_cond_wait(&stream->changed, &fake.lock);
}

int cuMemcpyAsync(fake_ptr dst, fake_ptr src, size_t size, void *handle)
{
	struct fake_context *context;
	struct fake_stream *stream;
	struct fake_op *op;
	struct fake_side to;
	int result = fake_begin("cuMemcpyAsync", &context);

	if (result)
		return result;
	stream = fake_stream_of(handle, context, "cuMemcpyAsync");
	fake.counts[context->device][FAKE_COUNT_COPY_CALLS]++;
	if (fake_turn(context->device, FAKE_FAIL_COPY))
		return fake_end((int)fake.knobs[context->device][FAKE_COPY_ERROR]);
	op = fake_op_new(1);
	make_piece(context, &op->pieces[0], dst, src, size, "cuMemcpyAsync");
	to = op->pieces[0].dst;
	fake_stream_put(stream, op);
	wait_if_pageable(stream, &to);
	return fake_end(context->broken);
}

static int batch(fake_ptr *dsts, fake_ptr *srcs, size_t *sizes, size_t n,
		 const struct fake_copy_attributes *attributes, const size_t *indices,
		 size_t n_attributes, void *handle)
{
	struct fake_context *context;
	struct fake_stream *stream;
	struct fake_op *op;
	int result = fake_begin("cuMemcpyBatchAsync", &context);

	if (result)
		return result;
	stream = fake_stream_of(handle, context, "cuMemcpyBatchAsync");
	if (!n || n_attributes != 1 || indices[0] || attributes->src_access_order < 1 ||
	    attributes->src_access_order > 3 || attributes->flags > 1)
		return fake_end(FAKE_INVALID_VALUE);
	fake.counts[context->device][FAKE_COUNT_BATCH_CALLS]++;
	result = (int)fake.knobs[context->device][FAKE_BATCH];
	if (!result && fake_turn(context->device, FAKE_FAIL_COPY))
		result = (int)fake.knobs[context->device][FAKE_COPY_ERROR];
	if (result)
		return fake_end(result);
	op = fake_op_new(n);
	for (size_t i = 0; i < n; i++) {
		make_piece(context, &op->pieces[i], dsts[i], srcs[i], sizes[i],
			   "cuMemcpyBatchAsync");
		if (!op->pieces[i].dst.place.alloc || !op->pieces[i].src.place.alloc)
			fake_misuse("cuMemcpyBatchAsync of host memory: whether it waits is up to "
				    "the driver");
	}
	fake_stream_put(stream, op);
	return fake_end(FAKE_OK);
}

int cuMemcpyBatchAsync(fake_ptr *dsts, fake_ptr *srcs, size_t *sizes, size_t n,
		       struct fake_copy_attributes *attributes, size_t *indices,
		       size_t n_attributes, size_t *failed, void *stream)
{
	*failed = SIZE_MAX;
	return batch(dsts, srcs, sizes, n, attributes, indices, n_attributes, stream);
}

int cuMemcpyBatchAsync_v2(fake_ptr *dsts, fake_ptr *srcs, size_t *sizes, size_t n,
			  struct fake_copy_attributes *attributes, size_t *indices,
			  size_t n_attributes, void *stream)
{
	return batch(dsts, srcs, sizes, n, attributes, indices, n_attributes, stream);
}

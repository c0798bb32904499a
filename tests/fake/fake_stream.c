// SPDX-License-Identifier: BSD-3-Clause
/*
 * The stand-in's streams, copies and events. Each stream has a thread that carries out what was put
 * on it, in order and later: who reads before the event has passed sees the bytes that were there
 * before.
 */
#include "cuda_abi.h"
#include "fake_cuda.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One side of a piece. Memory that the program may free while the copy is under way has a count of
 * its uses. */
struct side {
	struct fake_place place;
	struct fake_pinned *pinned;
};

struct piece {
	struct side dst, src;
	size_t size;
	uint8_t *staged; /* what pageable memory held when the copy was called */
	bool garbled;	 /* the NIC's last writes have not arrived */
};

struct fake_op {
	struct fake_op *next;
	struct fake_event *event; /* NULL: pieces */
	size_t n;
	struct piece pieces[];
};

static struct fake_stream *stream_of(void *handle, const struct fake_context *context,
				     const char *call)
{
	struct fake_stream *stream = fake.streams;

	while (stream && stream != handle)
		stream = stream->next;
	if (!stream)
		fake_misuse("%s on %p, which is no stream", call, handle);
	if (stream->dead)
		fake_misuse("%s on a stream that was destroyed", call);
	if (stream->device != context->device)
		fake_misuse("%s on a stream of device %d in the context of device %d", call,
			    stream->device, context->device);
	return stream;
}

static struct fake_event *event_of(void *handle, const struct fake_context *context,
				   const char *call)
{
	struct fake_event *event = handle;

	if (event->dead)
		fake_misuse("%s of an event that was destroyed", call);
	if (event->device != context->device)
		fake_misuse("%s of an event of device %d in the context of device %d", call,
			    event->device, context->device);
	return event;
}

/* ---- carrying out ---- */

static void wait_a_little(long microseconds)
{
	struct timespec time = {.tv_sec = microseconds / 1000000,
				.tv_nsec = microseconds % 1000000 * 1000};

	while (nanosleep(&time, &time) && errno == EINTR)
		continue;
}

static void delay(const struct fake_stream *stream)
{
	long microseconds;

	pthread_mutex_lock(&fake.lock);
	microseconds = fake.knobs[stream->device][FAKE_DELAY_US];
	while (fake.knobs[stream->device][FAKE_HOLD]) {
		pthread_mutex_unlock(&fake.lock);
		wait_a_little(1000);
		pthread_mutex_lock(&fake.lock);
	}
	pthread_mutex_unlock(&fake.lock);
	if (microseconds)
		wait_a_little(microseconds);
}

/* By way of host memory, so that each bit can be turned. */
static void garble(const struct piece *piece)
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

static void carry_out(const struct piece *piece)
{
	struct fake_place staged = {.host = piece->staged};

	if (piece->garbled)
		garble(piece);
	else
		fake_move(&piece->dst.place, piece->staged ? &staged : &piece->src.place,
			  piece->size);
}

static void let_go(const struct side *side)
{
	if (side->place.alloc)
		side->place.alloc->uses--;
	if (side->pinned)
		side->pinned->uses--;
}

/* Pieces of one call have no order among themselves; last to first shows who relies on one. */
static void run_pieces(struct fake_stream *stream, struct fake_op *op)
{
	struct fake_context *context = &fake.contexts[stream->device];
	bool broken;

	delay(stream);
	pthread_mutex_lock(&fake.lock);
	if (fake_turn(stream->device, FAKE_STICKY_COPY))
		context->broken = FAKE_ILLEGAL_ADDRESS;
	broken = context->broken;
	pthread_mutex_unlock(&fake.lock);
	for (size_t i = op->n; i-- > 0 && !broken;)
		carry_out(&op->pieces[i]);
	pthread_mutex_lock(&fake.lock);
	for (size_t i = 0; i < op->n; i++) {
		let_go(&op->pieces[i].dst);
		let_go(&op->pieces[i].src);
		free(op->pieces[i].staged);
	}
	stream->pending--;
	pthread_mutex_unlock(&fake.lock);
}

static void run(struct fake_stream *stream, struct fake_op *op)
{
	if (!op->event) {
		run_pieces(stream, op);
	} else {
		pthread_mutex_lock(&fake.lock);
		if (!fake.contexts[stream->device].broken)
			op->event->passed++;
		stream->pending--;
		pthread_mutex_unlock(&fake.lock);
	}
	free(op);
}

static void *work(void *arg)
{
	struct fake_stream *stream = arg;

	pthread_mutex_lock(&fake.lock);
	for (;;) {
		struct fake_op *op = stream->first;

		if (!op && stream->quit)
			break;
		if (!op) {
			pthread_cond_wait(&stream->changed, &fake.lock);
			continue;
		}
		stream->first = op->next;
		if (!stream->first)
			stream->last = &stream->first;
		pthread_mutex_unlock(&fake.lock);
		run(stream, op);
		pthread_mutex_lock(&fake.lock);
		pthread_cond_broadcast(&stream->changed);
	}
	pthread_mutex_unlock(&fake.lock);
	return NULL;
}

static void put(struct fake_stream *stream, struct fake_op *op)
{
	*stream->last = op;
	stream->last = &op->next;
	stream->pending++;
	pthread_cond_broadcast(&stream->changed);
}

/* ---- streams ---- */

int cuStreamCreate(void **handle, unsigned int flags)
{
	struct fake_context *context;
	struct fake_stream *new;
	int result = fake_begin("cuStreamCreate", &context);

	if (result)
		return result;
	if (fake_turn(context->device, FAKE_FAIL_STREAM))
		return fake_end(FAKE_OUT_OF_MEMORY);
	new = calloc(1, sizeof(*new));
	if (!new)
		return fake_end(FAKE_OUT_OF_MEMORY);
	new->device = context->device;
	new->last = &new->first;
	pthread_cond_init(&new->changed, NULL);
	if (pthread_create(&new->thread, NULL, work, new)) {
		free(new);
		return fake_end(FAKE_OUT_OF_MEMORY);
	}
	new->next = fake.streams;
	fake.streams = new;
	*handle = new;
	return fake_end(FAKE_OK);
}

int cuStreamDestroy_v2(void *handle)
{
	struct fake_stream *stream = fake.streams;
	int result = fake_begin_bare();

	if (result)
		return result;
	while (stream && stream != handle)
		stream = stream->next;
	if (!stream || stream->dead)
		fake_misuse("cuStreamDestroy of %p, which is no stream any more", handle);
	if (stream->pending && !fake.contexts[stream->device].broken)
		fake_misuse("cuStreamDestroy while %u operations are on the stream",
			    stream->pending);
	stream->dead = stream->quit = true;
	pthread_cond_broadcast(&stream->changed);
	result = fake_end(fake.contexts[stream->device].broken);
	pthread_join(stream->thread, NULL);
	return result;
}

int cuStreamQuery(void *handle)
{
	struct fake_context *context;
	int result = fake_begin("cuStreamQuery", &context);

	if (result)
		return result;
	return fake_end(stream_of(handle, context, "cuStreamQuery")->pending ? FAKE_NOT_READY
									     : FAKE_OK);
}

/* ---- copies ---- */

static struct side side_of(fake_ptr addr, size_t size, const char *call)
{
	struct side side = {.place.host = (uint8_t *)(uintptr_t)addr};
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

static bool garbled(const struct fake_context *context, const struct side *src)
{
	return src->place.alloc && src->place.alloc->exported && !context->flushed &&
	       fake.knobs[context->device][FAKE_ORDERING] < 100;
}

/* Called with the lock held. Pageable sources are read at once, as the driver does. */
static void make_piece(struct fake_context *context, struct piece *piece, fake_ptr dst,
		       fake_ptr src, size_t size, const char *call)
{
	*piece = (struct piece){
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

static struct fake_op *op_new(size_t n)
{
	struct fake_op *op = calloc(1, sizeof(*op) + n * sizeof(op->pieces[0]));

	if (!op)
		fake_misuse("the fake is out of memory");
	op->n = n;
	return op;
}

/* A copy to pageable memory comes back when it is done, as the driver's. */
static void wait_if_pageable(struct fake_stream *stream, const struct side *dst)
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
	struct side to;
	int result = fake_begin("cuMemcpyAsync", &context);

	if (result)
		return result;
	stream = stream_of(handle, context, "cuMemcpyAsync");
	fake.counts[context->device][FAKE_COUNT_COPY_CALLS]++;
	if (fake_turn(context->device, FAKE_FAIL_COPY))
		return fake_end((int)fake.knobs[context->device][FAKE_COPY_ERROR]);
	op = op_new(1);
	make_piece(context, &op->pieces[0], dst, src, size, "cuMemcpyAsync");
	to = op->pieces[0].dst;
	put(stream, op);
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
	stream = stream_of(handle, context, "cuMemcpyBatchAsync");
	if (!n || n_attributes != 1 || indices[0] || attributes->src_access_order < 1 ||
	    attributes->src_access_order > 3 || attributes->flags > 1)
		return fake_end(FAKE_INVALID_VALUE);
	fake.counts[context->device][FAKE_COUNT_BATCH_CALLS]++;
	result = (int)fake.knobs[context->device][FAKE_BATCH];
	if (!result && fake_turn(context->device, FAKE_FAIL_COPY))
		result = (int)fake.knobs[context->device][FAKE_COPY_ERROR];
	if (result)
		return fake_end(result);
	op = op_new(n);
	for (size_t i = 0; i < n; i++) {
		make_piece(context, &op->pieces[i], dsts[i], srcs[i], sizes[i],
			   "cuMemcpyBatchAsync");
		if (!op->pieces[i].dst.place.alloc || !op->pieces[i].src.place.alloc)
			fake_misuse("cuMemcpyBatchAsync of host memory: whether it waits is up to "
				    "the driver");
	}
	put(stream, op);
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

/* ---- events ---- */

int cuEventCreate(void **handle, unsigned int flags)
{
	struct fake_context *context;
	struct fake_event *new;
	int result = fake_begin("cuEventCreate", &context);

	if (result)
		return result;
	new = calloc(1, sizeof(*new));
	if (!new)
		return fake_end(FAKE_OUT_OF_MEMORY);
	new->device = context->device;
	new->next = fake.events;
	fake.events = new;
	*handle = new;
	return fake_end(FAKE_OK);
}

int cuEventRecord(void *handle, void *on)
{
	struct fake_context *context;
	struct fake_stream *stream;
	struct fake_event *event;
	struct fake_op *op;
	int result = fake_begin("cuEventRecord", &context);

	if (result)
		return result;
	stream = stream_of(on, context, "cuEventRecord");
	event = event_of(handle, context, "cuEventRecord");
	if (event->recorded != event->passed)
		fake_misuse("cuEventRecord of an event that has not passed yet");
	context->flushed = false;
	if (fake_turn(context->device, FAKE_FAIL_RECORD))
		return fake_end(FAKE_UNKNOWN);
	op = op_new(0);
	op->event = event;
	event->recorded++;
	put(stream, op);
	return fake_end(FAKE_OK);
}

int cuEventQuery(void *handle)
{
	struct fake_context *context;
	struct fake_event *event;
	int result = fake_begin("cuEventQuery", &context);

	if (result)
		return result;
	event = event_of(handle, context, "cuEventQuery");
	if (fake_turn(context->device, FAKE_FAIL_QUERY))
		return fake_end(FAKE_UNKNOWN);
	return fake_end(event->recorded == event->passed ? FAKE_OK : FAKE_NOT_READY);
}

int cuEventDestroy_v2(void *handle)
{
	struct fake_event *event = handle;
	int result = fake_begin_bare();

	if (result)
		return result;
	if (event->dead)
		fake_misuse("cuEventDestroy of an event that was destroyed");
	result = fake.contexts[event->device].broken;
	if (event->recorded != event->passed && !result)
		fake_misuse("cuEventDestroy of an event that has not passed yet");
	event->dead = true;
	return fake_end(result);
}

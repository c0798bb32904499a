// SPDX-License-Identifier: BSD-3-Clause
/*
 * The stand-in's streams and events. Each stream has a thread that carries out what was put
 * on it, in order and later: who reads before the event has passed sees the bytes that were there
 * before.
 */
#include "cuda_abi.h"
#include "fake_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct fake_stream *fake_stream_of(void *handle, const struct fake_context *context,
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

static void let_go(const struct fake_side *side)
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
		fake_carry_out(&op->pieces[i]);
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

void fake_stream_put(struct fake_stream *stream, struct fake_op *op)
{
	*stream->last = op;
	stream->last = &op->next;
	stream->pending++;
	pthread_cond_broadcast(&stream->changed);
}

struct fake_op *fake_op_new(size_t n)
{
	struct fake_op *op = calloc(1, sizeof(*op) + n * sizeof(op->pieces[0]));

	if (!op)
		fake_misuse("the fake is out of memory");
	op->n = n;
	return op;
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
	return fake_end(fake_stream_of(handle, context, "cuStreamQuery")->pending ? FAKE_NOT_READY
										  : FAKE_OK);
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
	stream = fake_stream_of(on, context, "cuEventRecord");
	event = event_of(handle, context, "cuEventRecord");
	if (event->recorded != event->passed)
		fake_misuse("cuEventRecord of an event that has not passed yet");
	context->flushed = false;
	if (fake_turn(context->device, FAKE_FAIL_RECORD))
		return fake_end(FAKE_UNKNOWN);
	op = fake_op_new(0);
	op->event = event;
	event->recorded++;
	fake_stream_put(stream, op);
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

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The copy engine of one CUDA device: batches of copies on a stream of ours, and when they are
 * done. A fence is the number of a batch; an event after each batch tells when it is done.
 */
#include "clock.h"
#include "cuda_engine.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>

/* The driver keeps about a thousand operations of a stream; one more makes its caller wait. */
#define QUEUE 960u
#define DRAIN_POLL_NS 20000
#define FLUSH_CALL "cuFlushGPUDirectRDMAWrites"
#define DRAIN_MS 5000 /* a copy that takes longer will not end: rather go on than hang */

int cuda_enter(const struct cuda_engine *engine, struct devmem_error *err)
{
	int error = engine->driver->ctx_push(engine->context);

	if (error)
		return devmem_error_set(err, -EIO,
					"CUDA device %d: cuCtxPushCurrent: %s (%d): the driver has "
					"ended or its context was destroyed",
					engine->ordinal, cuda_error_text(engine->driver, error),
					error);
	return 0;
}

void cuda_leave(const struct cuda_engine *engine)
{
	void *context;

	engine->driver->ctx_pop(&context);
}

static int to_errno(int error)
{
	switch (error) {
	case CUDA_INVALID_VALUE:
		return -EINVAL;
	case CUDA_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static bool healthy(const struct cuda_engine *engine)
{
	int error = engine->driver->stream_query(engine->stream);

	return error == CUDA_OK || error == CUDA_NOT_READY;
}

/* After an error the stream tells whether the context survived it. */
static int note(struct cuda_engine *engine, const char *call, int error)
{
	const char *text = cuda_error_text(engine->driver, error);

	if (healthy(engine))
		return devmem_error_set(&engine->trouble, to_errno(error),
					"CUDA device %d: %s: %s (%d)", engine->ordinal, call, text,
					error);
	engine->failed = -EIO;
	return devmem_error_set(&engine->trouble, -EIO,
				"CUDA device %d: %s: %s (%d); the process can copy nothing more on "
				"this device: look for Xid in dmesg, then restart the job",
				engine->ordinal, call, text, error);
}

static int batch_state(struct cuda_engine *engine, uint64_t batch)
{
	unsigned int i = batch % CUDA_BATCHES;

	if (!engine->batches[i].by_stream) {
		int error = engine->driver->event_query(engine->batches[i].event);

		if (error == CUDA_OK || error == CUDA_NOT_READY)
			return error;
		engine->batches[i].by_stream = true;
	}
	return engine->driver->stream_query(engine->stream);
}

/* Called in the context and under the lock: moves done forward over batches that are. */
static int update_done(struct cuda_engine *engine)
{
	while (!engine->failed && engine->done < engine->started) {
		int error = batch_state(engine, engine->done + 1);

		if (error == CUDA_NOT_READY)
			break;
		if (error)
			return note(engine, "copying", error);
		engine->done++;
		engine->queued -= engine->batches[engine->done % CUDA_BATCHES].queued;
	}
	return engine->failed;
}

static bool covers(const struct cuda_range *range, cuda_ptr addr, size_t size)
{
	return addr >= range->start && addr - range->start < range->size &&
	       size <= range->size - (addr - range->start);
}

/* True when the piece is in one allocation of device memory, which @range then is. */
static bool find_range(const struct cuda_engine *engine, struct cuda_range *range, cuda_ptr addr,
		       size_t size)
{
	const struct cuda_driver *driver = engine->driver;
	struct cuda_range found = {0};
	unsigned int type = 0;

	if (covers(range, addr, size))
		return true;
	/* Page-locked host memory has a range and an owner too. */
	if (driver->pointer_get_attribute(&type, CUDA_POINTER_MEMORY_TYPE, addr) ||
	    type != CUDA_MEMORY_TYPE_DEVICE ||
	    driver->pointer_get_attribute(&found.start, CUDA_POINTER_RANGE_START, addr) ||
	    driver->pointer_get_attribute(&found.size, CUDA_POINTER_RANGE_SIZE, addr))
		return false;
	*range = found;
	return covers(range, addr, size);
}

/* Lengthens the last copy of the list by a piece that continues it, in the same two allocations. */
static bool merge(struct cuda_engine *engine, cuda_ptr dst, cuda_ptr src, size_t len)
{
	unsigned int last = engine->n - 1;

	if (!engine->n || engine->dsts[last] + engine->sizes[last] != dst ||
	    engine->srcs[last] + engine->sizes[last] != src ||
	    !covers(&engine->dst_range, engine->dsts[last], engine->sizes[last] + len) ||
	    !covers(&engine->src_range, engine->srcs[last], engine->sizes[last] + len))
		return false;
	engine->sizes[last] += len;
	return true;
}

static int copy_each(struct cuda_engine *engine, unsigned int *queued, const char **call)
{
	int error = 0;

	*call = "cuMemcpyAsync";
	for (unsigned int i = 0; !error && i < engine->n; i++) {
		error = engine->driver->memcpy_async(engine->dsts[i], engine->srcs[i],
						     engine->sizes[i], engine->stream);
		*queued += !error;
	}
	engine->n = 0;
	return error;
}

static int copy_list(struct cuda_engine *engine, unsigned int *queued, const char **call)
{
	const struct cuda_driver *driver = engine->driver;
	struct cuda_copy_attributes attributes = {
		.source_access_order = CUDA_SOURCE_IN_STREAM_ORDER};
	size_t first = 0, failed;
	int error;

	if (!engine->batched || engine->n < 2)
		return copy_each(engine, queued, call);
	*call = "cuMemcpyBatchAsync";
	if (driver->memcpy_batch)
		error = driver->memcpy_batch(engine->dsts, engine->srcs, engine->sizes, engine->n,
					     &attributes, &first, 1, engine->stream);
	else
		error = driver->memcpy_batch_12_8(engine->dsts, engine->srcs, engine->sizes,
						  engine->n, &attributes, &first, 1, &failed,
						  engine->stream);
	if (error == CUDA_NOT_SUPPORTED) {
		engine->batched = false;
		return copy_each(engine, queued, call);
	}
	*queued += !error;
	engine->n = 0;
	return error;
}

/* Whether a batch waits for host memory is up to the driver, so host memory goes on its own. */
static int add(struct cuda_engine *engine, const struct devmem_copy *piece, unsigned int *queued,
	       const char **call)
{
	cuda_ptr dst = (uintptr_t)piece->dst, src = (uintptr_t)piece->src;
	bool far = find_range(engine, &engine->dst_range, dst, piece->len) &&
		   find_range(engine, &engine->src_range, src, piece->len);
	int error = 0;

	if (far && merge(engine, dst, src, piece->len))
		return 0;
	if (!far || engine->n == CUDA_LIST)
		error = copy_list(engine, queued, call);
	if (error)
		return error;
	engine->dsts[engine->n] = dst;
	engine->srcs[engine->n] = src;
	engine->sizes[engine->n++] = piece->len;
	return far ? 0 : copy_each(engine, queued, call);
}

static int flush(const struct cuda_engine *engine)
{
	return engine->driver->flush_writes(CUDA_FLUSH_TARGET_CURRENT, CUDA_FLUSH_TO_OWNER);
}

static int start_copies(struct cuda_engine *engine, const struct devmem_copy *pieces,
			unsigned int n, unsigned int *queued)
{
	const char *call = FLUSH_CALL;
	int error = engine->flush ? flush(engine) : 0;

	engine->n = 0;
	for (unsigned int i = 0; !error && i < n; i++)
		error = add(engine, &pieces[i], queued, &call);
	if (!error)
		error = copy_list(engine, queued, &call);
	return error ? note(engine, call, error) : 0;
}

/* Also what failed half way has its event: its first pieces may be under way. */
static int start_batch(struct cuda_engine *engine, const struct devmem_copy *pieces, unsigned int n)
{
	unsigned int i = (engine->started + 1) % CUDA_BATCHES, queued = 0;
	int ret = start_copies(engine, pieces, n, &queued);

	if (engine->failed || !queued)
		return ret;
	engine->batches[i].by_stream = engine->driver->event_record(engine->batches[i].event,
								    engine->stream) != CUDA_OK;
	engine->batches[i].queued = queued + 1;
	engine->queued += queued + 1;
	engine->started++;
	return ret;
}

static bool full(const struct cuda_engine *engine, unsigned int n)
{
	unsigned int operations = engine->batched ? 1 : n;

	return engine->started - engine->done >= CUDA_BATCHES ||
	       (engine->queued && engine->queued + operations > QUEUE);
}

int cuda_engine_start(struct cuda_engine *engine, const struct devmem_copy *pieces, unsigned int n,
		      uint64_t *fence)
{
	int ret;

	pthread_mutex_lock(&engine->lock);
	ret = engine->failed ? engine->failed : cuda_enter(engine, &engine->trouble);
	if (!ret) {
		ret = update_done(engine);
		if (!ret && full(engine, n))
			ret = -EAGAIN;
		if (!ret)
			ret = start_batch(engine, pieces, n);
		*fence = engine->started;
		cuda_leave(engine);
	}
	pthread_mutex_unlock(&engine->lock);
	return ret;
}

int cuda_engine_done(struct cuda_engine *engine, uint64_t fence)
{
	int ret = 0;

	pthread_mutex_lock(&engine->lock);
	if (fence > engine->done) {
		ret = engine->failed ? engine->failed : cuda_enter(engine, &engine->trouble);
		if (!ret) {
			ret = update_done(engine);
			cuda_leave(engine);
		}
	}
	if (fence <= engine->done)
		ret = 1;
	pthread_mutex_unlock(&engine->lock);
	return ret;
}

int cuda_engine_flush(struct cuda_engine *engine)
{
	int ret, error;

	if (!engine->flush)
		return 0;
	pthread_mutex_lock(&engine->lock);
	ret = engine->failed ? engine->failed : cuda_enter(engine, &engine->trouble);
	if (!ret) {
		error = flush(engine);
		ret = error ? note(engine, FLUSH_CALL, error) : 0;
		cuda_leave(engine);
	}
	pthread_mutex_unlock(&engine->lock);
	return ret;
}

void cuda_engine_drain(struct cuda_engine *engine)
{
	const struct timespec pause = {.tv_nsec = DRAIN_POLL_NS};
	int64_t deadline = clock_ms() + DRAIN_MS;
	uint64_t last;

	pthread_mutex_lock(&engine->lock);
	last = engine->started;
	pthread_mutex_unlock(&engine->lock);
	while (cuda_engine_done(engine, last) == 0 && clock_ms() < deadline)
		nanosleep(&pause, NULL);
}

void cuda_engine_trouble(struct cuda_engine *engine, struct devmem_error *err)
{
	pthread_mutex_lock(&engine->lock);
	*err = engine->trouble;
	pthread_mutex_unlock(&engine->lock);
}

int cuda_engine_open(struct cuda_engine *engine, const struct cuda_driver *driver, void *context,
		     int ordinal, bool flush, struct devmem_error *err)
{
	const char *call = "cuStreamCreate";
	int error;

	engine->driver = driver;
	engine->context = context;
	engine->ordinal = ordinal;
	engine->flush = flush;
	engine->batched = driver->memcpy_batch || driver->memcpy_batch_12_8;
	pthread_mutex_init(&engine->lock, NULL);
	error = driver->stream_create(&engine->stream, CUDA_STREAM_NON_BLOCKING);
	for (unsigned int i = 0; !error && i < CUDA_BATCHES; i++) {
		call = "cuEventCreate";
		error = driver->event_create(&engine->batches[i].event, CUDA_EVENT_DISABLE_TIMING);
	}
	if (error)
		return devmem_error_set(err, to_errno(error), "CUDA device %d: %s: %s (%d)",
					ordinal, call, cuda_error_text(driver, error), error);
	return 0;
}

void cuda_engine_close(struct cuda_engine *engine)
{
	if (!engine->driver)
		return;
	cuda_engine_drain(engine);
	if (!cuda_enter(engine, NULL)) {
		for (unsigned int i = 0; i < CUDA_BATCHES; i++)
			if (engine->batches[i].event)
				engine->driver->event_destroy(engine->batches[i].event);
		if (engine->stream)
			engine->driver->stream_destroy(engine->stream);
		cuda_leave(engine);
	}
	pthread_mutex_destroy(&engine->lock);
}

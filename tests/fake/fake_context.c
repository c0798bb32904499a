// SPDX-License-Identifier: BSD-3-Clause
/* The stand-in's devices and contexts, and what is checked of every call. */
#include "cuda_abi.h"
#include "fake_cuda.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_DEPTH 32

enum {
	ATTRIBUTE_FLUSH_WRITES_OPTIONS = 117,
	ATTRIBUTE_WRITES_ORDERING = 118,
	ATTRIBUTE_DMA_BUF_SUPPORTED = 124,
};

struct fake fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A thread's contexts; what cuCtxSetCurrent has put at the bottom needs no pop. */
static _Thread_local struct {
	struct fake_context *contexts[STACK_DEPTH];
	unsigned int depth, pushed;
} stack;

static pthread_key_t thread_end;

void fake_misuse(const char *fmt, ...)
{
	va_list args;

	fputs("fake CUDA: the program is wrong: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

static void check_thread(void *pushed)
{
	if (stack.pushed)
		fake_misuse("a thread ended with %u contexts pushed and not popped", stack.pushed);
}

/* A process that forked after cuInit has no driver, as with CUDA. */
int fake_begin_bare(void)
{
	if (fake.over)
		return FAKE_DEINITIALIZED;
	if (__atomic_load_n(&fake.pid, __ATOMIC_RELAXED) != getpid())
		return FAKE_NOT_INITIALIZED;
	pthread_mutex_lock(&fake.lock);
	return FAKE_OK;
}

int fake_end(int result)
{
	pthread_mutex_unlock(&fake.lock);
	return result;
}

int fake_begin(const char *call, struct fake_context **context)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	if (!stack.depth)
		fake_misuse("%s without a current context", call);
	*context = stack.contexts[stack.depth - 1];
	if (!(*context)->retained)
		fake_misuse("%s in the context of device %d, which was released", call,
			    (*context)->device);
	return (*context)->broken ? fake_end((*context)->broken) : FAKE_OK;
}

int cuInit(unsigned int flags)
{
	int result = FAKE_OK;
	pid_t pid = __atomic_load_n(&fake.pid, __ATOMIC_RELAXED);

	/* Not under the lock, which another thread may have held when this process was forked. */
	if (pid && pid != getpid())
		return FAKE_NOT_INITIALIZED;
	pthread_mutex_lock(&fake.lock);
	if (!fake.pid) {
		fake_knobs_read();
		pthread_key_create(&thread_end, check_thread);
	}
	result = (int)fake.knobs[0][FAKE_INIT];
	fake.devices = (int)fake.knobs[0][FAKE_DEVICES];
	if (!result && !fake.devices)
		result = FAKE_NO_DEVICE;
	if (!result)
		__atomic_store_n(&fake.pid, getpid(), __ATOMIC_RELAXED);
	for (int device = 0; device < FAKE_MAX_DEVICES; device++)
		fake.contexts[device].device = device;
	return fake_end(result);
}

int cuGetErrorString(int error, const char **text)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{FAKE_OK, "no error"},
		{FAKE_INVALID_VALUE, "invalid argument"},
		{FAKE_OUT_OF_MEMORY, "out of memory"},
		{FAKE_NOT_INITIALIZED, "initialization error"},
		{FAKE_DEINITIALIZED, "driver shutting down"},
		{FAKE_NO_DEVICE, "no CUDA-capable device is detected"},
		{FAKE_INVALID_DEVICE, "invalid device ordinal"},
		{FAKE_INVALID_CONTEXT, "invalid device context"},
		{FAKE_NOT_READY, "device not ready"},
		{FAKE_ILLEGAL_ADDRESS, "an illegal memory access was encountered"},
		{FAKE_CONTEXT_IS_DESTROYED, "context is destroyed"},
		{FAKE_NOT_SUPPORTED, "operation not supported"},
		{FAKE_UNKNOWN, "unknown error"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].error == error) {
			*text = texts[i].text;
			return FAKE_OK;
		}
	}
	*text = NULL;
	return FAKE_INVALID_VALUE;
}

int cuDeviceGetCount(int *n)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	*n = fake.devices;
	return fake_end(FAKE_OK);
}

int cuDeviceGet(int *device, int ordinal)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	*device = ordinal;
	return fake_end(ordinal >= 0 && ordinal < fake.devices ? FAKE_OK : FAKE_INVALID_DEVICE);
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
	int result = fake_begin_bare();
	enum fake_knob knob = FAKE_DMABUF;

	if (result)
		return result;
	if (device < 0 || device >= fake.devices)
		return fake_end(FAKE_INVALID_DEVICE);
	switch (attribute) {
	case ATTRIBUTE_FLUSH_WRITES_OPTIONS:
		knob = FAKE_FLUSH_OPTIONS;
		break;
	case ATTRIBUTE_WRITES_ORDERING:
		knob = FAKE_ORDERING;
		break;
	case ATTRIBUTE_DMA_BUF_SUPPORTED:
		break;
	default:
		return fake_end(FAKE_INVALID_VALUE);
	}
	*value = (int)fake.knobs[device][knob];
	return fake_end(FAKE_OK);
}

int cuDevicePrimaryCtxRetain(void **context, int device)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	if (device < 0 || device >= fake.devices)
		return fake_end(FAKE_INVALID_DEVICE);
	fake.contexts[device].retained++;
	*context = &fake.contexts[device];
	return fake_end(FAKE_OK);
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	if (device < 0 || device >= fake.devices || !fake.contexts[device].retained)
		fake_misuse("the context of device %d was released more often than retained",
			    device);
	if (--fake.contexts[device].retained == 0) {
		fake_check_leaks("when its context ended", device);
		fake.contexts[device].broken = FAKE_OK;
	}
	return fake_end(FAKE_OK);
}

static struct fake_context *context_of(void *handle, const char *call)
{
	for (int device = 0; device < fake.devices; device++)
		if (handle == &fake.contexts[device] && fake.contexts[device].retained)
			return handle;
	fake_misuse("%s of %p, which is no context that is retained", call, handle);
}

int cuCtxPushCurrent_v2(void *context)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	result = (int)fake.knobs[context_of(context, "cuCtxPushCurrent")->device][FAKE_PUSH];
	if (result)
		return fake_end(result);
	if (stack.depth == STACK_DEPTH)
		fake_misuse("%d contexts are pushed and not popped", STACK_DEPTH);
	stack.contexts[stack.depth++] = context_of(context, "cuCtxPushCurrent");
	stack.pushed++;
	pthread_setspecific(thread_end, &stack);
	return fake_end(FAKE_OK);
}

int cuCtxPopCurrent_v2(void **context)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	if (!stack.pushed)
		fake_misuse("cuCtxPopCurrent without a cuCtxPushCurrent");
	stack.pushed--;
	*context = stack.contexts[--stack.depth];
	return fake_end(FAKE_OK);
}

int cuCtxSetCurrent(void *context)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	if (!context) {
		stack.depth -= stack.depth > 0;
		return fake_end(FAKE_OK);
	}
	stack.depth += stack.depth == 0;
	stack.contexts[stack.depth - 1] = context_of(context, "cuCtxSetCurrent");
	return fake_end(FAKE_OK);
}

int cuCtxGetDevice(int *device)
{
	int result = fake_begin_bare();

	if (result)
		return result;
	if (!stack.depth)
		return fake_end(FAKE_INVALID_CONTEXT);
	*device = stack.contexts[stack.depth - 1]->device;
	return fake_end(FAKE_OK);
}

/* Ordering by the owner is enough for copies of its own engine; without it, each batch needs a
 * flush. */
int cuFlushGPUDirectRDMAWrites(int target, int scope)
{
	struct fake_context *context;
	int result = fake_begin("cuFlushGPUDirectRDMAWrites", &context);

	if (result)
		return result;
	if (target != 0 || (scope != 100 && scope != 200))
		return fake_end(FAKE_INVALID_VALUE);
	if (!(fake.knobs[context->device][FAKE_FLUSH_OPTIONS] & 1))
		return fake_end(FAKE_NOT_SUPPORTED);
	result = (int)fake.knobs[context->device][FAKE_FLUSH];
	if (!result) {
		context->flushed = true;
		fake.counts[context->device][FAKE_COUNT_FLUSHES]++;
	}
	return fake_end(result);
}

void fake_check_leaks(const char *when, int device)
{
	unsigned int allocs = 0, events = 0, streams = 0;

	for (size_t i = 0; i < fake.n_allocs; i++)
		allocs += !fake.allocs[i]->freed && fake.allocs[i]->device == device;
	for (struct fake_event *event = fake.events; event; event = event->next)
		events += !event->dead && event->device == device;
	for (struct fake_stream *stream = fake.streams; stream; stream = stream->next)
		streams += !stream->dead && stream->device == device;
	if (allocs || events || streams)
		fake_misuse("device %d had %u allocations, %u streams and %u events left %s",
			    device, allocs, streams, events, when);
}

__attribute__((destructor)) static void check_exit(void)
{
	if (fake.pid != getpid())
		return;
	fake.over = true;
	check_thread(NULL);
	for (int device = 0; device < fake.devices; device++) {
		fake_check_leaks("at exit", device);
		if (fake.contexts[device].retained)
			fake_misuse("the context of device %d was still retained %u times at exit",
				    device, fake.contexts[device].retained);
	}
	if (fake.pinned)
		fake_misuse("page-locked memory was left at exit");
}

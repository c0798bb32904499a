// SPDX-License-Identifier: BSD-3-Clause
/* Finds the calls of CUDA's driver in libcuda.so.1. */
#include "cuda_driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

struct symbol {
	const char *name;
	size_t offset;
};

static const struct symbol needed[] = {
	{"cuInit", offsetof(struct cuda_driver, init)},
	{"cuGetErrorString", offsetof(struct cuda_driver, get_error_string)},
	{"cuCtxGetDevice", offsetof(struct cuda_driver, ctx_get_device)},
	{"cuDeviceGet", offsetof(struct cuda_driver, device_get)},
	{"cuDeviceGetAttribute", offsetof(struct cuda_driver, device_get_attribute)},
	{"cuDevicePrimaryCtxRetain", offsetof(struct cuda_driver, primary_ctx_retain)},
	{"cuDevicePrimaryCtxRelease_v2", offsetof(struct cuda_driver, primary_ctx_release)},
	{"cuCtxPushCurrent_v2", offsetof(struct cuda_driver, ctx_push)},
	{"cuCtxPopCurrent_v2", offsetof(struct cuda_driver, ctx_pop)},
	{"cuMemAlloc_v2", offsetof(struct cuda_driver, mem_alloc)},
	{"cuMemFree_v2", offsetof(struct cuda_driver, mem_free)},
	{"cuMemHostAlloc", offsetof(struct cuda_driver, host_alloc)},
	{"cuMemFreeHost", offsetof(struct cuda_driver, host_free)},
	{"cuPointerGetAttribute", offsetof(struct cuda_driver, pointer_get_attribute)},
	{"cuMemGetHandleForAddressRange", offsetof(struct cuda_driver, get_handle_for_range)},
	{"cuFlushGPUDirectRDMAWrites", offsetof(struct cuda_driver, flush_writes)},
	{"cuStreamCreate", offsetof(struct cuda_driver, stream_create)},
	{"cuStreamDestroy_v2", offsetof(struct cuda_driver, stream_destroy)},
	{"cuStreamQuery", offsetof(struct cuda_driver, stream_query)},
	{"cuMemcpyAsync", offsetof(struct cuda_driver, memcpy_async)},
	{"cuEventCreate", offsetof(struct cuda_driver, event_create)},
	{"cuEventRecord", offsetof(struct cuda_driver, event_record)},
	{"cuEventQuery", offsetof(struct cuda_driver, event_query)},
	{"cuEventDestroy_v2", offsetof(struct cuda_driver, event_destroy)},
};

static const struct symbol optional[] = {
	{"cuMemcpyBatchAsync_v2", offsetof(struct cuda_driver, memcpy_batch)},
	{"cuMemcpyBatchAsync", offsetof(struct cuda_driver, memcpy_batch_12_8)},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cuda_driver loaded;
static void *library;

static bool find(const struct symbol *symbol)
{
	void *address = dlsym(library, symbol->name);

	*(void **)((char *)&loaded + symbol->offset) = address;
	return address;
}

static int find_symbols(struct devmem_error *err)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!find(&needed[i]))
			return devmem_error_set(err, -ENODEV,
						"libcuda.so.1 has no %s: the NVIDIA driver is too "
						"old, device memory TCP needs "
						"one of CUDA 11.7 or later",
						needed[i].name);
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		find(&optional[i]);
	return 0;
}

const char *cuda_error_text(const struct cuda_driver *driver, int error)
{
	const char *text = NULL;

	return driver->get_error_string(error, &text) == CUDA_OK && text ? text : "unknown error";
}

int cuda_driver_load(const struct cuda_driver **driver, struct devmem_error *err)
{
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (!library) {
		library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
		if (!library)
			ret = devmem_error_set(err, -ENODEV, "no NVIDIA driver: %s", dlerror());
		else
			ret = find_symbols(err);
		if (ret && library) {
			dlclose(library);
			library = NULL;
		}
	}
	pthread_mutex_unlock(&lock);
	*driver = ret ? NULL : &loaded;
	return ret;
}

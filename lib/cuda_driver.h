/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of CUDA's driver that the exporter makes, found in libcuda.so.1 at run time: nothing is
 * linked, so the library works where there is no driver. Types and numbers are those of the
 * driver's binary interface (CUDA 11.7 and later).
 */
#ifndef DEVMEM_CUDA_DRIVER_H
#define DEVMEM_CUDA_DRIVER_H

#include <stddef.h>

#include "mem_ops.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CUDA_OK = 0,
	CUDA_NOT_READY = 600,
};

enum {
	CUDA_ATTRIBUTE_FLUSH_WRITES_OPTIONS = 117,
	CUDA_ATTRIBUTE_WRITES_ORDERING = 118,
	CUDA_ATTRIBUTE_DMA_BUF_SUPPORTED = 124,
};

enum {
	CUDA_FLUSH_BY_HOST = 1, /* bit of the flush options */
	CUDA_ORDERING_OWNER =
		100, /* writes of other devices are seen in order by the GPU that owns the memory */
	CUDA_FLUSH_TARGET_CURRENT = 0,
	CUDA_FLUSH_TO_OWNER = 100,
	CUDA_HANDLE_DMA_BUF_FD = 1,
	CUDA_MAPPING_PCIE = 1,
	CUDA_STREAM_NON_BLOCKING = 1,
	CUDA_EVENT_DISABLE_TIMING = 2,
};

typedef unsigned long long cuda_ptr;

struct cuda_driver {
	int (*init)(unsigned int flags);
	int (*get_error_string)(int error, const char **text);
	int (*ctx_get_device)(int *device);
	int (*device_get)(int *device, int ordinal);
	int (*device_get_attribute)(int *value, int attribute, int device);
	int (*primary_ctx_retain)(void **context, int device);
	int (*primary_ctx_release)(int device);
	int (*ctx_push)(void *context);
	int (*ctx_pop)(void **context);
	int (*mem_alloc)(cuda_ptr *addr, size_t size);
	int (*mem_free)(cuda_ptr addr);
	int (*get_handle_for_range)(void *handle, cuda_ptr addr, size_t size, int type,
				    unsigned long long flags);
	int (*flush_writes)(int target, int scope);
	int (*stream_create)(void **stream, unsigned int flags);
	int (*stream_destroy)(void *stream);
	int (*memcpy_async)(cuda_ptr dst, cuda_ptr src, size_t size, void *stream);
	int (*event_create)(void **event, unsigned int flags);
	int (*event_record)(void *event, void *stream);
	int (*event_query)(void *event);
	int (*event_destroy)(void *event);
};

/* Loads libcuda.so.1 once and keeps it. -ENODEV with the reason. */
int cuda_driver_load(const struct cuda_driver **driver, struct devmem_error *err);
/* As devmem_exporter_open_cuda(), with a driver of the caller's: for tests. */
int cuda_exporter_open(const struct cuda_driver *driver, int ordinal,
		       struct devmem_exporter **exporter, struct devmem_error *err);

#ifdef __cplusplus
}
#endif

#endif

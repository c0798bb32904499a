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
	CUDA_INVALID_VALUE = 1,
	CUDA_OUT_OF_MEMORY = 2,
	CUDA_NOT_READY = 600,
	CUDA_NOT_SUPPORTED = 801,
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
	CUDA_SOURCE_IN_STREAM_ORDER = 1,
	CUDA_HOST_PORTABLE = 1, /* page-locked for all contexts */
};

enum {
	CUDA_POINTER_MEMORY_TYPE = 2,
	CUDA_POINTER_DEVICE_ORDINAL = 9,
	CUDA_POINTER_RANGE_START = 11,
	CUDA_POINTER_RANGE_SIZE = 12,
	CUDA_MEMORY_TYPE_DEVICE = 2,
};

typedef unsigned long long cuda_ptr;

/* CUmemcpyAttributes: what holds for the copies of a batch. The hints are for managed memory. */
struct cuda_copy_attributes {
	int source_access_order;
	struct {
		int type, id;
	} source_hint, destination_hint;
	unsigned int flags;
};

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
	int (*host_alloc)(void **addr, size_t size, unsigned int flags);
	int (*host_free)(void *addr);
	int (*pointer_get_attribute)(void *value, int attribute, cuda_ptr addr);
	int (*get_handle_for_range)(void *handle, cuda_ptr addr, size_t size, int type,
				    unsigned long long flags);
	int (*flush_writes)(int target, int scope);
	int (*stream_create)(void **stream, unsigned int flags);
	int (*stream_destroy)(void *stream);
	int (*stream_query)(void *stream);
	int (*memcpy_async)(cuda_ptr dst, cuda_ptr src, size_t size, void *stream);
	/* Copies without an order among them. NULL before CUDA 13.0, or before 12.8. */
	int (*memcpy_batch)(cuda_ptr *dsts, cuda_ptr *srcs, size_t *sizes, size_t n,
			    struct cuda_copy_attributes *attributes, size_t *first_of_attributes,
			    size_t n_attributes, void *stream);
	int (*memcpy_batch_12_8)(cuda_ptr *dsts, cuda_ptr *srcs, size_t *sizes, size_t n,
				 struct cuda_copy_attributes *attributes,
				 size_t *first_of_attributes, size_t n_attributes, size_t *failed,
				 void *stream);
	int (*event_create)(void **event, unsigned int flags);
	int (*event_record)(void *event, void *stream);
	int (*event_query)(void *event);
	int (*event_destroy)(void *event);
};

/* Loads libcuda.so.1 once and keeps it. -ENODEV with the reason. */
int cuda_driver_load(const struct cuda_driver **driver, struct devmem_error *err);
/* The driver's words for @error; never NULL. */
const char *cuda_error_text(const struct cuda_driver *driver, int error);
/* As devmem_exporter_open_cuda(), with a driver of the caller's: for tests. */
int cuda_exporter_open(const struct cuda_driver *driver, int ordinal,
		       struct devmem_exporter **exporter, struct devmem_error *err);

#ifdef __cplusplus
}
#endif

#endif

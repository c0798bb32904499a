/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls that the stand-in for libcuda.so.1 has, by the names and types of the driver's binary
 * interface. */
#ifndef FAKE_CUDA_ABI_H
#define FAKE_CUDA_ABI_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned long long fake_ptr;

/* CUmemcpyAttributes */
struct fake_copy_attributes {
	int src_access_order;
	struct {
		int type, id;
	} src_hint, dst_hint;
	unsigned int flags;
};

int cuInit(unsigned int flags);
int cuGetErrorString(int error, const char **text);
int cuDeviceGetCount(int *n);
int cuDeviceGet(int *device, int ordinal);
int cuDeviceGetAttribute(int *value, int attribute, int device);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuCtxPushCurrent_v2(void *context);
int cuCtxPopCurrent_v2(void **context);
int cuCtxSetCurrent(void *context);
int cuCtxGetDevice(int *device);
int cuMemAlloc_v2(fake_ptr *addr, size_t size);
int cuMemFree_v2(fake_ptr addr);
int cuMemHostAlloc(void **addr, size_t size, unsigned int flags);
int cuMemFreeHost(void *addr);
int cuPointerGetAttribute(void *value, int attribute, fake_ptr addr);
int cuMemGetHandleForAddressRange(void *handle, fake_ptr addr, size_t size, int type,
				  unsigned long long flags);
int cuFlushGPUDirectRDMAWrites(int target, int scope);
int cuStreamCreate(void **stream, unsigned int flags);
int cuStreamDestroy_v2(void *stream);
int cuStreamQuery(void *stream);
int cuMemcpyAsync(fake_ptr dst, fake_ptr src, size_t size, void *stream);
int cuMemcpyBatchAsync(fake_ptr *dsts, fake_ptr *srcs, size_t *sizes, size_t n,
		       struct fake_copy_attributes *attributes, size_t *indices,
		       size_t n_attributes, size_t *failed, void *stream);
int cuMemcpyBatchAsync_v2(fake_ptr *dsts, fake_ptr *srcs, size_t *sizes, size_t n,
			  struct fake_copy_attributes *attributes, size_t *indices,
			  size_t n_attributes, void *stream);
int cuEventCreate(void **event, unsigned int flags);
int cuEventRecord(void *event, void *stream);
int cuEventQuery(void *event);
int cuEventDestroy_v2(void *event);

#ifdef __cplusplus
}
#endif

#endif

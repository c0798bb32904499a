/* SPDX-License-Identifier: BSD-3-Clause */
/* What every version of NCCL's net plugin interface shares: results, the logger, constants, device handles. */
#ifndef NCCL_NET_H
#define NCCL_NET_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* NCCL publishes no header for its plugins: these are our own declarations of the same binary interface, for x86-64 and arm64. */

typedef enum {
	ncclSuccess = 0,
	ncclUnhandledCudaError = 1,
	ncclSystemError = 2,		/* a kernel or library call failed */
	ncclInternalError = 3,		/* the core misused the plugin */
	ncclInvalidArgument = 4,
	ncclInvalidUsage = 5,		/* the two users disagree, e.g. a send larger than its receive */
	ncclRemoteError = 6,		/* the peer closed or reset the connection */
	ncclInProgress = 7,		/* NCCL's own; a plugin must not return it */
} ncclResult_t;

typedef enum {
	NCCL_LOG_NONE = 0,
	NCCL_LOG_VERSION = 1,
	NCCL_LOG_WARN = 2,
	NCCL_LOG_INFO = 3,
	NCCL_LOG_ABORT = 4,
	NCCL_LOG_TRACE = 5,
} ncclDebugLogLevel;

enum {				/* bits of the logger's flags */
	NCCL_INIT = 0x1,
	NCCL_P2P = 0x4,
	NCCL_NET = 0x10,
	NCCL_ENV = 0x80,
	NCCL_ALLOC = 0x100,
	NCCL_PROXY = 0x400,
	NCCL_REG = 0x2000,
};

typedef void (*ncclDebugLogger_t)(ncclDebugLogLevel level, unsigned long flags, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* @type: 0 start, 1 stop, 2 update, 3 update and stop. May be NULL where a plugin is given one. */
typedef ncclResult_t (*ncclProfilerCallback_t)(void **event, int type, void *handle, int64_t plugin, void *data);

#define NCCL_NET_HANDLE_MAXSIZE 128
#define NCCL_NET_MAX_REQUESTS 32
#define NCCL_MAX_NET_SIZE_BYTES (1ULL << 40)	/* largest legal maxP2pBytes */

/* A mask in ptrSupport, one value as the type of regMr. */
#define NCCL_PTR_HOST 0x1
#define NCCL_PTR_CUDA 0x2
#define NCCL_PTR_DMABUF 0x4

/* *request on entry of irecv (v9 and later): the core does not need this completion. */
#define NCCL_NET_OPTIONAL_RECV_COMPLETION ((void *)0x1)

#define NCCL_NET_TRAFFIC_CLASS_UNDEF (-1)
#define NCCL_NET_ID_UNDEF (-1)			/* railId, planeId */

typedef enum {
	NCCL_NET_DEVICE_HOST = 0,
	NCCL_NET_DEVICE_UNPACK = 1,		/* NCCL's kernels gather received fragments */
} ncclNetDeviceType;

#define NCCL_NET_DEVICE_INVALID_VERSION 0
#define NCCL_NET_DEVICE_UNPACK_VERSION 7

typedef struct {
	ncclNetDeviceType netDeviceType;
	int netDeviceVersion;
	void *handle;
	size_t size;
	int needsProxyProgress;
} ncclNetDeviceHandle_t;

typedef struct {
	int trafficClass;
} ncclNetCommConfig_t;

typedef struct {
	int32_t maxConcurrentPeers;
	int32_t minConcurrentPeers;
	int32_t maxFlowsPerPeer;
	int32_t minFlowsPerPeer;
} ncclNetCommAttr_t;

/* Hints about the coming traffic. @op, @algo, @proto: masks of NCCL's own numbers, all ones for any. */
typedef struct {
	ncclNetCommAttr_t sendCommAttr;
	ncclNetCommAttr_t recvCommAttr;
	uint32_t op;
	uint32_t algo;
	uint32_t proto;
} ncclNetAttr_t;

#define NCCL_ASSERT_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type " is not as NCCL lays it out")
#define NCCL_ASSERT_OFFSET(type, member, bytes) \
	static_assert(offsetof(type, member) == (bytes), #type "." #member " is not where NCCL has it")

NCCL_ASSERT_SIZE(ncclNetDeviceHandle_t, 32);
NCCL_ASSERT_OFFSET(ncclNetDeviceHandle_t, handle, 8);
NCCL_ASSERT_OFFSET(ncclNetDeviceHandle_t, size, 16);
NCCL_ASSERT_OFFSET(ncclNetDeviceHandle_t, needsProxyProgress, 24);
NCCL_ASSERT_SIZE(ncclNetCommConfig_t, 4);
NCCL_ASSERT_SIZE(ncclNetAttr_t, 44);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Version 12 of NCCL's net plugin interface, which NCCL 2.30 looks up first. */
#ifndef NCCL_NET_V12_H
#define NCCL_NET_V12_H

#include "net.h"

#define NCCL_NET_MAX_DEVS_PER_NIC_V12 8

typedef struct {
	int ndevs;
	int devs[NCCL_NET_MAX_DEVS_PER_NIC_V12];
} ncclNetVDeviceProps_v12_t;

typedef struct {
	char *name;
	char *pciPath;		/* realpath of /sys/class/net/<if>/device; NULL when it has none */
	uint64_t guid;		/* the same for devices on one physical port */
	int ptrSupport;		/* mask of NCCL_PTR_* */
	int regIsGlobal;	/* a registration holds for every comm */
	int forceFlush;		/* iflush after every non-empty receive */
	int speed;		/* Mbit/s */
	int port;
	float latency;		/* microseconds, 0 unknown */
	int maxComms;
	int maxRecvs;		/* receives in one irecv */
	ncclNetDeviceType netDeviceType;
	int netDeviceVersion;
	ncclNetVDeviceProps_v12_t vProps;
	size_t maxP2pBytes;
	size_t maxCollBytes;
	int maxMultiRequestSize;
	int16_t railId;		/* NCCL_NET_ID_UNDEF */
	int16_t planeId;
} ncclNetProperties_v12_t;

/* regMrDmaBuf, getDeviceMr, irecvConsumed, makeVDevice and setNetAttr may be NULL. */
typedef struct {
	const char *name;
	ncclResult_t (*init)(void **ctx, uint64_t commId, ncclNetCommConfig_t *config, ncclDebugLogger_t logger,
			     ncclProfilerCallback_t profiler);
	ncclResult_t (*devices)(int *ndev);
	ncclResult_t (*getProperties)(int dev, ncclNetProperties_v12_t *props);
	ncclResult_t (*listen)(void *ctx, int dev, void *handle, void **listenComm);
	ncclResult_t (*connect)(void *ctx, int dev, void *handle, void **sendComm, ncclNetDeviceHandle_t **sendDevComm);
	ncclResult_t (*accept)(void *listenComm, void **recvComm, ncclNetDeviceHandle_t **recvDevComm);
	ncclResult_t (*regMr)(void *comm, void *data, size_t size, int type, void **mhandle);
	ncclResult_t (*regMrDmaBuf)(void *comm, void *data, size_t size, int type, uint64_t offset, int fd, void **mhandle);
	ncclResult_t (*deregMr)(void *comm, void *mhandle);
	ncclResult_t (*isend)(void *sendComm, void *data, size_t size, int tag, void *mhandle, void *phandle, void **request);
	ncclResult_t (*irecv)(void *recvComm, int n, void **data, size_t *sizes, int *tags, void **mhandles, void **phandles,
			      void **request);
	ncclResult_t (*iflush)(void *recvComm, int n, void **data, int *sizes, void **mhandles, void **request);
	ncclResult_t (*test)(void *request, int *done, int *sizes);
	ncclResult_t (*closeSend)(void *sendComm);
	ncclResult_t (*closeRecv)(void *recvComm);
	ncclResult_t (*closeListen)(void *listenComm);
	ncclResult_t (*getDeviceMr)(void *comm, void *mhandle, void **deviceMr);
	ncclResult_t (*irecvConsumed)(void *recvComm, int n, void *request);
	ncclResult_t (*makeVDevice)(int *dev, ncclNetVDeviceProps_v12_t *props);
	ncclResult_t (*finalize)(void *ctx);
	ncclResult_t (*setNetAttr)(void *ctx, ncclNetAttr_t *attr);
} ncclNet_v12_t;

NCCL_ASSERT_SIZE(ncclNetProperties_v12_t, 128);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, ptrSupport, 24);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, regIsGlobal, 28);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, forceFlush, 32);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, netDeviceType, 56);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, vProps, 64);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, maxP2pBytes, 104);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, maxMultiRequestSize, 120);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, railId, 124);
NCCL_ASSERT_OFFSET(ncclNetProperties_v12_t, planeId, 126);
NCCL_ASSERT_SIZE(ncclNet_v12_t, 176);
NCCL_ASSERT_OFFSET(ncclNet_v12_t, regMrDmaBuf, 64);
NCCL_ASSERT_OFFSET(ncclNet_v12_t, irecv, 88);
NCCL_ASSERT_OFFSET(ncclNet_v12_t, irecvConsumed, 144);
NCCL_ASSERT_OFFSET(ncclNet_v12_t, finalize, 160);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Version 9 of NCCL's net plugin interface, which NCCL 2.24 and 2.25 look up first. */
#ifndef NCCL_NET_V9_H
#define NCCL_NET_V9_H

#include "net.h"

#define NCCL_NET_MAX_DEVS_PER_NIC_V9 4

typedef struct {
	int ndevs;
	int devs[NCCL_NET_MAX_DEVS_PER_NIC_V9];
} ncclNetVDeviceProps_v9_t;

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
	ncclNetVDeviceProps_v9_t vProps;
	size_t maxP2pBytes;
	size_t maxCollBytes;
} ncclNetProperties_v9_t;

/* regMrDmaBuf, getDeviceMr, irecvConsumed and makeVDevice may be NULL. */
typedef struct {
	const char *name;
	ncclResult_t (*init)(ncclDebugLogger_t logger);
	ncclResult_t (*devices)(int *ndev);
	ncclResult_t (*getProperties)(int dev, ncclNetProperties_v9_t *props);
	ncclResult_t (*listen)(int dev, void *handle, void **listenComm);
	ncclResult_t (*connect)(int dev, void *handle, void **sendComm, ncclNetDeviceHandle_t **sendDevComm);
	ncclResult_t (*accept)(void *listenComm, void **recvComm, ncclNetDeviceHandle_t **recvDevComm);
	ncclResult_t (*regMr)(void *comm, void *data, size_t size, int type, void **mhandle);
	ncclResult_t (*regMrDmaBuf)(void *comm, void *data, size_t size, int type, uint64_t offset, int fd, void **mhandle);
	ncclResult_t (*deregMr)(void *comm, void *mhandle);
	ncclResult_t (*isend)(void *sendComm, void *data, size_t size, int tag, void *mhandle, void **request);
	ncclResult_t (*irecv)(void *recvComm, int n, void **data, size_t *sizes, int *tags, void **mhandles,
			      void **request);
	ncclResult_t (*iflush)(void *recvComm, int n, void **data, int *sizes, void **mhandles, void **request);
	ncclResult_t (*test)(void *request, int *done, int *sizes);
	ncclResult_t (*closeSend)(void *sendComm);
	ncclResult_t (*closeRecv)(void *recvComm);
	ncclResult_t (*closeListen)(void *listenComm);
	ncclResult_t (*getDeviceMr)(void *comm, void *mhandle, void **deviceMr);
	ncclResult_t (*irecvConsumed)(void *recvComm, int n, void *request);
	ncclResult_t (*makeVDevice)(int *dev, ncclNetVDeviceProps_v9_t *props);
} ncclNet_v9_t;

NCCL_ASSERT_SIZE(ncclNetProperties_v9_t, 104);
NCCL_ASSERT_OFFSET(ncclNetProperties_v9_t, ptrSupport, 24);
NCCL_ASSERT_OFFSET(ncclNetProperties_v9_t, regIsGlobal, 28);
NCCL_ASSERT_OFFSET(ncclNetProperties_v9_t, forceFlush, 32);
NCCL_ASSERT_OFFSET(ncclNetProperties_v9_t, netDeviceType, 56);
NCCL_ASSERT_OFFSET(ncclNetProperties_v9_t, vProps, 64);
NCCL_ASSERT_OFFSET(ncclNetProperties_v9_t, maxP2pBytes, 88);
NCCL_ASSERT_SIZE(ncclNet_v9_t, 160);
NCCL_ASSERT_OFFSET(ncclNet_v9_t, regMrDmaBuf, 64);
NCCL_ASSERT_OFFSET(ncclNet_v9_t, irecv, 88);
NCCL_ASSERT_OFFSET(ncclNet_v9_t, irecvConsumed, 144);

#endif

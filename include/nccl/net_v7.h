/* SPDX-License-Identifier: BSD-3-Clause */
/* Version 7 of NCCL's net plugin interface, which NCCL 2.19 looks up first. */
#ifndef NCCL_NET_V7_H
#define NCCL_NET_V7_H

#include "net.h"

typedef struct {
	char *name;
	char *pciPath;		/* realpath of /sys/class/net/<if>/device; NULL when it has none */
	uint64_t guid;		/* the same for devices on one physical port */
	int ptrSupport;		/* mask of NCCL_PTR_* */
	int speed;		/* Mbit/s */
	int port;
	float latency;		/* microseconds, 0 unknown */
	int maxComms;
	int maxRecvs;		/* receives in one irecv */
	ncclNetDeviceType netDeviceType;
	int netDeviceVersion;
} ncclNetProperties_v7_t;

/* regMrDmaBuf, getDeviceMr and irecvConsumed may be NULL. */
typedef struct {
	const char *name;
	ncclResult_t (*init)(ncclDebugLogger_t logger);
	ncclResult_t (*devices)(int *ndev);
	ncclResult_t (*getProperties)(int dev, ncclNetProperties_v7_t *props);
	ncclResult_t (*listen)(int dev, void *handle, void **listenComm);
	ncclResult_t (*connect)(int dev, void *handle, void **sendComm, ncclNetDeviceHandle_t **sendDevComm);
	ncclResult_t (*accept)(void *listenComm, void **recvComm, ncclNetDeviceHandle_t **recvDevComm);
	ncclResult_t (*regMr)(void *comm, void *data, int size, int type, void **mhandle);
	ncclResult_t (*regMrDmaBuf)(void *comm, void *data, size_t size, int type, uint64_t offset, int fd, void **mhandle);
	ncclResult_t (*deregMr)(void *comm, void *mhandle);
	ncclResult_t (*isend)(void *sendComm, void *data, int size, int tag, void *mhandle, void **request);
	ncclResult_t (*irecv)(void *recvComm, int n, void **data, int *sizes, int *tags, void **mhandles,
			      void **request);
	ncclResult_t (*iflush)(void *recvComm, int n, void **data, int *sizes, void **mhandles, void **request);
	ncclResult_t (*test)(void *request, int *done, int *sizes);
	ncclResult_t (*closeSend)(void *sendComm);
	ncclResult_t (*closeRecv)(void *recvComm);
	ncclResult_t (*closeListen)(void *listenComm);
	ncclResult_t (*getDeviceMr)(void *comm, void *mhandle, void **deviceMr);
	ncclResult_t (*irecvConsumed)(void *recvComm, int n, void *request);
} ncclNet_v7_t;

NCCL_ASSERT_SIZE(ncclNetProperties_v7_t, 56);
NCCL_ASSERT_OFFSET(ncclNetProperties_v7_t, ptrSupport, 24);
NCCL_ASSERT_OFFSET(ncclNetProperties_v7_t, speed, 28);
NCCL_ASSERT_OFFSET(ncclNetProperties_v7_t, netDeviceType, 48);
NCCL_ASSERT_SIZE(ncclNet_v7_t, 152);
NCCL_ASSERT_OFFSET(ncclNet_v7_t, regMrDmaBuf, 64);
NCCL_ASSERT_OFFSET(ncclNet_v7_t, irecv, 88);
NCCL_ASSERT_OFFSET(ncclNet_v7_t, irecvConsumed, 144);

#endif

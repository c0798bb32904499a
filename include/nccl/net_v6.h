/* SPDX-License-Identifier: BSD-3-Clause */
/* Version 6 of NCCL's net plugin interface, which NCCL 2.13 to 2.18 look up first. */
#ifndef NCCL_NET_V6_H
#define NCCL_NET_V6_H

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
} ncclNetProperties_v6_t;

/* regMrDmaBuf may be NULL. */
typedef struct {
	const char *name;
	ncclResult_t (*init)(ncclDebugLogger_t logger);
	ncclResult_t (*devices)(int *ndev);
	ncclResult_t (*getProperties)(int dev, ncclNetProperties_v6_t *props);
	ncclResult_t (*listen)(int dev, void *handle, void **listenComm);
	ncclResult_t (*connect)(int dev, void *handle, void **sendComm);
	ncclResult_t (*accept)(void *listenComm, void **recvComm);
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
} ncclNet_v6_t;

NCCL_ASSERT_SIZE(ncclNetProperties_v6_t, 48);
NCCL_ASSERT_OFFSET(ncclNetProperties_v6_t, ptrSupport, 24);
NCCL_ASSERT_OFFSET(ncclNetProperties_v6_t, speed, 28);
NCCL_ASSERT_SIZE(ncclNet_v6_t, 136);
NCCL_ASSERT_OFFSET(ncclNet_v6_t, regMrDmaBuf, 64);
NCCL_ASSERT_OFFSET(ncclNet_v6_t, irecv, 88);
NCCL_ASSERT_OFFSET(ncclNet_v6_t, closeListen, 128);

#endif

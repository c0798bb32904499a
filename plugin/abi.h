/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tables of all versions share: properties member by member, and calls whose types never
 * changed. */
#ifndef ABI_H
#define ABI_H

#include "net_devmem.h"

#define EXPORT __attribute__((visibility("default")))
#define MAX_COMMS 65536

/*
 * Members that every version has. latency 0 lets NCCL take its own figure for networks: the kernel
 * tells none, and a guess would only mislead its choice of algorithms.
 */
#define FILL_V6(props, own)                              \
	do {                                             \
		(props)->name = (own).name;              \
		(props)->pciPath = (own).pci_path;       \
		(props)->guid = (own).guid;              \
		(props)->ptrSupport = (own).ptr_support; \
		(props)->speed = (own).speed;            \
		(props)->port = (own).port;              \
		(props)->latency = 0;                    \
		(props)->maxComms = MAX_COMMS;           \
		(props)->maxRecvs = 1;                   \
	} while (0)

#define FILL_V7(props, own)                                       \
	do {                                                      \
		FILL_V6(props, own);                              \
		(props)->netDeviceType = (own).device_type;       \
		(props)->netDeviceVersion = (own).device_version; \
	} while (0)

#define FILL_V8(props, own)               \
	do {                              \
		FILL_V7(props, own);      \
		(props)->regIsGlobal = 0; \
	} while (0)

/* NCCL 2.30's adapter copies vProps.ndevs entries of what it is given, so it must be right. */
#define FILL_V9(props, own, dev)                                 \
	do {                                                     \
		FILL_V8(props, own);                             \
		(props)->forceFlush = 0;                         \
		(props)->vProps.ndevs = 1;                       \
		(props)->vProps.devs[0] = (dev);                 \
		(props)->maxP2pBytes = NCCL_MAX_NET_SIZE_BYTES;  \
		(props)->maxCollBytes = NCCL_MAX_NET_SIZE_BYTES; \
	} while (0)

/* Device handles, since version 7, are for plugins whose data NCCL's kernels place: NULL, a pointer
 * to NULL, or to one with its type set. */
static inline ncclResult_t abi_accept(void *listen_comm, void **recv_comm,
				      ncclNetDeviceHandle_t **device)
{
	return net_accept(listen_comm, recv_comm, device ? *device : NULL);
}

/* NCCL keeps what this gives, and its kernels have no use for it. */
static inline ncclResult_t abi_get_device_mr(void *comm, void *mhandle, void **device_mhandle)
{
	*device_mhandle = NULL;
	return ncclSuccess;
}

/* A receive is done only when its data is visible to the device, so there is nothing left to wait
 * for. */
static inline ncclResult_t abi_iflush(void *comm, int n, void **data, int *sizes, void **mhandles,
				      void **request)
{
	*request = NULL;
	return ncclSuccess;
}

/*
 * NCCL reads these after init. Where its kernels place nothing they are NULL: with irecvConsumed it
 * would keep requests until its kernels have read what they received.
 */
#define OFFER_UNPACK(table)                                                                 \
	do {                                                                                \
		if (net_unpacks() != ((table)->irecvConsumed != NULL)) {                    \
			(table)->getDeviceMr = net_unpacks() ? abi_get_device_mr : NULL;    \
			(table)->irecvConsumed = net_unpacks() ? net_irecv_consumed : NULL; \
		}                                                                           \
	} while (0)

/* makeVDevice and setNetAttr are NULL in every table. */
#define MEMBERS_V6                                                                  \
	.name = NET_NAME, .devices = net_devices, .regMrDmaBuf = net_reg_mr_dmabuf, \
	.deregMr = net_dereg_mr, .iflush = abi_iflush, .test = net_test,            \
	.closeSend = net_close_send, .closeRecv = net_close_recv, .closeListen = net_close_listen

#define MEMBERS_V7 MEMBERS_V6, .accept = abi_accept
#define MEMBERS_V8 MEMBERS_V7, .regMr = net_reg_mr

#endif

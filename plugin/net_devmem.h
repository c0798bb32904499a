/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the plugin does, apart from the version of NCCL's interface: each table of abi.c calls
 * these. The contract is NCCL's (net plugin documentation, and transport/net.cc for what it does
 * not say): nothing blocks, *request NULL means try again.
 */
#ifndef NET_DEVMEM_H
#define NET_DEVMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nccl/net.h"

#define NET_NAME "devmem"

struct net_properties {
	char *name;
	char *pci_path;
	uint64_t guid;
	int ptr_support;
	int speed;
	int port;
	ncclNetDeviceType device_type;
	int device_version;
};

/* NCCL, as an init of some version shows it. */
struct net_core {
	ncclDebugLogger_t logger;
	ncclProfilerCallback_t profiler; /* NULL where NCCL has none */
	bool unpacks;			 /* its kernels can place received data (2.19 and later) */
	bool loads_once;		 /* it cannot load a plugin again in one process, unless
					    NCCL_NET_PLUGIN_REF_COUNT tells it not to unload it */
};

/* Each init needs a finalize; all but the first are cheap. */
ncclResult_t net_init(const struct net_core *core);
/* Whether NCCL's kernels place received data, which the first init decides. */
bool net_unpacks(void);
ncclResult_t net_finalize(void);
ncclResult_t net_devices(int *n);
ncclResult_t net_properties(int dev, struct net_properties *properties);
/* @traffic_class: the communicator's, or NCCL_NET_TRAFFIC_CLASS_UNDEF; NCCL_DEVMEM_TRAFFIC_CLASS
 * goes before it. */
ncclResult_t net_listen(int dev, int traffic_class, void *handle, void **listen_comm);
ncclResult_t net_connect(int dev, int traffic_class, void *handle, void **send_comm);
/* @device: what NCCL's kernels are told of the connection, to be filled in; NULL when there are
 * none that unpack. */
ncclResult_t net_accept(void *listen_comm, void **recv_comm, ncclNetDeviceHandle_t *device);
ncclResult_t net_reg_mr(void *comm, void *data, size_t size, int type, void **mhandle);
ncclResult_t net_reg_mr_dmabuf(void *comm, void *data, size_t size, int type, uint64_t offset,
			       int fd, void **mhandle);
ncclResult_t net_dereg_mr(void *comm, void *mhandle);
/* @profiled: what NCCL's profiler knows the message by, or NULL. */
ncclResult_t net_isend(void *send_comm, void *data, size_t size, void *mhandle, void *profiled,
		       void **request);
ncclResult_t net_irecv(void *recv_comm, int n, void *data, size_t size, void *mhandle,
		       void *profiled, void **request);
/* NCCL's kernels have done with the data of @request, the oldest. Called only if net_unpacks(). */
ncclResult_t net_irecv_consumed(void *recv_comm, int n, void *request);
ncclResult_t net_test(void *request, int *done, int *size);
ncclResult_t net_close_send(void *send_comm);
ncclResult_t net_close_recv(void *recv_comm);
ncclResult_t net_close_listen(void *listen_comm);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* The tables that NCCL looks up, versions 8 to 12: each fits its own types to net_devmem.h. Read
 * from the bottom. */
#include "net_devmem.h"

#include "nccl/net_v10.h"
#include "nccl/net_v11.h"
#include "nccl/net_v12.h"
#include "nccl/net_v8.h"
#include "nccl/net_v9.h"

#define EXPORT __attribute__((visibility("default")))
#define MAX_COMMS 65536

/* Members that every version has. */
#define FILL_COMMON(props, own)                                              \
	do {                                                                 \
		(props)->name = (own).name;                                  \
		(props)->pciPath = (own).pci_path;                           \
		(props)->guid = (own).guid;                                  \
		(props)->ptrSupport = (own).ptr_support;                     \
		(props)->regIsGlobal = 0;                                    \
		(props)->speed = (own).speed;                                \
		(props)->port = (own).port;                                  \
		(props)->latency = 0;                                        \
		(props)->maxComms = MAX_COMMS;                               \
		(props)->maxRecvs = 1;                                       \
		(props)->netDeviceType = NCCL_NET_DEVICE_HOST;               \
		(props)->netDeviceVersion = NCCL_NET_DEVICE_INVALID_VERSION; \
	} while (0)

/* Members since version 9. NCCL 2.30's adapter copies vProps.ndevs entries of what it is given, so
 * it must be right. */
#define FILL_V9(props, dev)                                      \
	do {                                                     \
		(props)->forceFlush = 0;                         \
		(props)->vProps.ndevs = 1;                       \
		(props)->vProps.devs[0] = (dev);                 \
		(props)->maxP2pBytes = NCCL_MAX_NET_SIZE_BYTES;  \
		(props)->maxCollBytes = NCCL_MAX_NET_SIZE_BYTES; \
	} while (0)

static ncclResult_t properties_v8(int dev, ncclNetProperties_v8_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	*props = (ncclNetProperties_v8_t){0};
	FILL_COMMON(props, own);
	return result;
}

static ncclResult_t properties_v9(int dev, ncclNetProperties_v9_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	*props = (ncclNetProperties_v9_t){0};
	FILL_COMMON(props, own);
	FILL_V9(props, dev);
	return result;
}

static ncclResult_t properties_v10(int dev, ncclNetProperties_v10_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	*props = (ncclNetProperties_v10_t){0};
	FILL_COMMON(props, own);
	FILL_V9(props, dev);
	return result;
}

static ncclResult_t properties_v11(int dev, ncclNetProperties_v11_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	*props = (ncclNetProperties_v11_t){0};
	FILL_COMMON(props, own);
	FILL_V9(props, dev);
	props->maxMultiRequestSize = 1;
	return result;
}

static ncclResult_t properties_v12(int dev, ncclNetProperties_v12_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	*props = (ncclNetProperties_v12_t){0};
	FILL_COMMON(props, own);
	FILL_V9(props, dev);
	props->maxMultiRequestSize = 1;
	props->railId = NCCL_NET_ID_UNDEF;
	props->planeId = NCCL_NET_ID_UNDEF;
	return result;
}

static ncclResult_t init_v8(ncclDebugLogger_t logger)
{
	return net_init(logger);
}

static ncclResult_t init_v10(ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	return net_init(logger);
}

static ncclResult_t init_v11(void **ctx, uint64_t comm_id, ncclNetCommConfig_t *config,
			     ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	static char context; /* NCCL wants something to hold; there is nothing of one communicator
				alone */

	*ctx = &context;
	return net_init(logger);
}

static ncclResult_t finalize_v11(void *ctx)
{
	return net_finalize();
}

static ncclResult_t listen_v11(void *ctx, int dev, void *handle, void **listen_comm)
{
	return net_listen(dev, handle, listen_comm);
}

/* Device handles are for plugins whose data NCCL's kernels unpack: ours is placed when a receive is
 * done. */
static ncclResult_t connect_v8(int dev, void *handle, void **send_comm,
			       ncclNetDeviceHandle_t **device)
{
	return net_connect(dev, handle, send_comm);
}

static ncclResult_t connect_v10(int dev, ncclNetCommConfig_t *config, void *handle,
				void **send_comm, ncclNetDeviceHandle_t **device)
{
	return net_connect(dev, handle, send_comm);
}

static ncclResult_t connect_v11(void *ctx, int dev, void *handle, void **send_comm,
				ncclNetDeviceHandle_t **device)
{
	return net_connect(dev, handle, send_comm);
}

static ncclResult_t accept_v8(void *listen_comm, void **recv_comm, ncclNetDeviceHandle_t **device)
{
	return net_accept(listen_comm, recv_comm);
}

static ncclResult_t isend_v8(void *comm, void *data, int size, int tag, void *mhandle,
			     void **request)
{
	*request = NULL;
	return size < 0 ? ncclInvalidArgument
			: net_isend(comm, data, (size_t)size, mhandle, request);
}

static ncclResult_t isend_v9(void *comm, void *data, size_t size, int tag, void *mhandle,
			     void **request)
{
	return net_isend(comm, data, size, mhandle, request);
}

static ncclResult_t isend_v10(void *comm, void *data, size_t size, int tag, void *mhandle,
			      void *profiler, void **request)
{
	return net_isend(comm, data, size, mhandle, request);
}

static ncclResult_t irecv_v8(void *comm, int n, void **data, int *sizes, int *tags, void **mhandles,
			     void **request)
{
	*request = NULL;
	return sizes[0] < 0 ? ncclInvalidArgument
			    : net_irecv(comm, n, data[0], (size_t)sizes[0], mhandles[0], request);
}

static ncclResult_t irecv_v9(void *comm, int n, void **data, size_t *sizes, int *tags,
			     void **mhandles, void **request)
{
	return net_irecv(comm, n, data[0], sizes[0], mhandles[0], request);
}

static ncclResult_t irecv_v10(void *comm, int n, void **data, size_t *sizes, int *tags,
			      void **mhandles, void **profilers, void **request)
{
	return net_irecv(comm, n, data[0], sizes[0], mhandles[0], request);
}

/* A receive is done only when its data is visible to the device, so there is nothing left to wait
 * for. */
static ncclResult_t iflush(void *comm, int n, void **data, int *sizes, void **mhandles,
			   void **request)
{
	*request = NULL;
	return ncclSuccess;
}

/* getDeviceMr, irecvConsumed, makeVDevice and setNetAttr stay NULL: with irecvConsumed NCCL would
 * keep requests alive. */
#define COMMON_MEMBERS                                                                      \
	.name = NET_NAME, .devices = net_devices, .accept = accept_v8, .regMr = net_reg_mr, \
	.regMrDmaBuf = net_reg_mr_dmabuf, .deregMr = net_dereg_mr, .iflush = iflush,        \
	.test = net_test, .closeSend = net_close_send, .closeRecv = net_close_recv,         \
	.closeListen = net_close_listen

extern const ncclNet_v8_t ncclNetPlugin_v8;
extern const ncclNet_v9_t ncclNetPlugin_v9;
extern const ncclNet_v10_t ncclNetPlugin_v10;
extern const ncclNet_v11_t ncclNetPlugin_v11;
extern const ncclNet_v12_t ncclNetPlugin_v12;

EXPORT const ncclNet_v8_t ncclNetPlugin_v8 = {
	COMMON_MEMBERS,	      .init = init_v8,	     .getProperties = properties_v8,
	.listen = net_listen, .connect = connect_v8, .isend = isend_v8,
	.irecv = irecv_v8,
};

EXPORT const ncclNet_v9_t ncclNetPlugin_v9 = {
	COMMON_MEMBERS,	      .init = init_v8,	     .getProperties = properties_v9,
	.listen = net_listen, .connect = connect_v8, .isend = isend_v9,
	.irecv = irecv_v9,
};

EXPORT const ncclNet_v10_t ncclNetPlugin_v10 = {
	COMMON_MEMBERS,	      .init = init_v10,	      .getProperties = properties_v10,
	.listen = net_listen, .connect = connect_v10, .isend = isend_v10,
	.irecv = irecv_v10,
};

EXPORT const ncclNet_v11_t ncclNetPlugin_v11 = {
	COMMON_MEMBERS,	      .init = init_v11,		.getProperties = properties_v11,
	.listen = listen_v11, .connect = connect_v11,	.isend = isend_v10,
	.irecv = irecv_v10,   .finalize = finalize_v11,
};

EXPORT const ncclNet_v12_t ncclNetPlugin_v12 = {
	COMMON_MEMBERS,	      .init = init_v11,		.getProperties = properties_v12,
	.listen = listen_v11, .connect = connect_v11,	.isend = isend_v10,
	.irecv = irecv_v10,   .finalize = finalize_v11,
};

// SPDX-License-Identifier: BSD-3-Clause
/* The tables that NCCL looks up, versions 9 to 12: each fits its own types to net_devmem.h. Read
 * from the bottom. */
#include "abi.h"

#include <stdlib.h>
#include <string.h>

#include "nccl/net_v10.h"
#include "nccl/net_v11.h"
#include "nccl/net_v12.h"
#include "nccl/net_v9.h"

extern ncclNet_v9_t ncclNetPlugin_v9;
extern ncclNet_v10_t ncclNetPlugin_v10;
extern ncclNet_v11_t ncclNetPlugin_v11;
extern ncclNet_v12_t ncclNetPlugin_v12;

/* What NCCL holds for each of its communicators since version 11. */
struct communicator {
	int traffic_class;
};

static ncclResult_t properties_v9(int dev, ncclNetProperties_v9_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	memset(props, 0, sizeof(*props));
	FILL_V9(props, own, dev);
	return result;
}

static ncclResult_t properties_v10(int dev, ncclNetProperties_v10_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	memset(props, 0, sizeof(*props));
	FILL_V9(props, own, dev);
	return result;
}

static ncclResult_t properties_v11(int dev, ncclNetProperties_v11_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	memset(props, 0, sizeof(*props));
	FILL_V9(props, own, dev);
	props->maxMultiRequestSize = 1;
	return result;
}

static ncclResult_t properties_v12(int dev, ncclNetProperties_v12_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	memset(props, 0, sizeof(*props));
	FILL_V9(props, own, dev);
	props->maxMultiRequestSize = 1;
	props->railId = NCCL_NET_ID_UNDEF;
	props->planeId = NCCL_NET_ID_UNDEF;
	return result;
}

static int traffic_class_of(const ncclNetCommConfig_t *config)
{
	return config ? config->trafficClass : NCCL_NET_TRAFFIC_CLASS_UNDEF;
}

static ncclResult_t init_v9(ncclDebugLogger_t logger)
{
	ncclResult_t result = net_init(&(struct net_core){.logger = logger, .unpacks = true});

	OFFER_UNPACK(&ncclNetPlugin_v9);
	return result;
}

static ncclResult_t init_v10(ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	ncclResult_t result = net_init(
		&(struct net_core){.logger = logger, .profiler = profiler, .unpacks = true});

	OFFER_UNPACK(&ncclNetPlugin_v10);
	return result;
}

static ncclResult_t start(void **ctx, const ncclNetCommConfig_t *config,
			  const struct net_core *core)
{
	struct communicator *communicator = malloc(sizeof(*communicator));
	ncclResult_t result;

	*ctx = NULL;
	if (!communicator)
		return ncclSystemError;
	communicator->traffic_class = traffic_class_of(config);
	result = net_init(core);
	if (result != ncclSuccess)
		free(communicator);
	else
		*ctx = communicator;
	return result;
}

/* NCCL 2.28 and 2.29; NVIDIA/nccl#1978, mended in 2.30, which knows version 12. */
static ncclResult_t init_v11(void **ctx, uint64_t comm_id, ncclNetCommConfig_t *config,
			     ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	ncclResult_t result = start(ctx, config,
				    &(struct net_core){.logger = logger,
						       .profiler = profiler,
						       .unpacks = true,
						       .loads_once = true});

	OFFER_UNPACK(&ncclNetPlugin_v11);
	return result;
}

static ncclResult_t init_v12(void **ctx, uint64_t comm_id, ncclNetCommConfig_t *config,
			     ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	ncclResult_t result =
		start(ctx, config,
		      &(struct net_core){.logger = logger, .profiler = profiler, .unpacks = true});

	OFFER_UNPACK(&ncclNetPlugin_v12);
	return result;
}

static ncclResult_t finalize_v11(void *ctx)
{
	free(ctx);
	return net_finalize();
}

static ncclResult_t listen_v9(int dev, void *handle, void **listen_comm)
{
	return net_listen(dev, NCCL_NET_TRAFFIC_CLASS_UNDEF, handle, listen_comm);
}

static ncclResult_t listen_v11(void *ctx, int dev, void *handle, void **listen_comm)
{
	const struct communicator *communicator = ctx;

	return net_listen(dev, communicator->traffic_class, handle, listen_comm);
}

static ncclResult_t connect_v9(int dev, void *handle, void **send_comm,
			       ncclNetDeviceHandle_t **device)
{
	return net_connect(dev, NCCL_NET_TRAFFIC_CLASS_UNDEF, handle, send_comm);
}

static ncclResult_t connect_v10(int dev, ncclNetCommConfig_t *config, void *handle,
				void **send_comm, ncclNetDeviceHandle_t **device)
{
	return net_connect(dev, traffic_class_of(config), handle, send_comm);
}

static ncclResult_t connect_v11(void *ctx, int dev, void *handle, void **send_comm,
				ncclNetDeviceHandle_t **device)
{
	const struct communicator *communicator = ctx;

	return net_connect(dev, communicator->traffic_class, handle, send_comm);
}

static ncclResult_t isend_v9(void *comm, void *data, size_t size, int tag, void *mhandle,
			     void **request)
{
	return net_isend(comm, data, size, mhandle, NULL, request);
}

static ncclResult_t isend_v10(void *comm, void *data, size_t size, int tag, void *mhandle,
			      void *profiled, void **request)
{
	return net_isend(comm, data, size, mhandle, profiled, request);
}

static ncclResult_t irecv_v9(void *comm, int n, void **data, size_t *sizes, int *tags,
			     void **mhandles, void **request)
{
	return net_irecv(comm, n, data[0], sizes[0], mhandles[0], NULL, request);
}

static ncclResult_t irecv_v10(void *comm, int n, void **data, size_t *sizes, int *tags,
			      void **mhandles, void **profiled, void **request)
{
	return net_irecv(comm, n, data[0], sizes[0], mhandles[0], profiled ? profiled[0] : NULL,
			 request);
}

EXPORT ncclNet_v9_t ncclNetPlugin_v9 = {
	MEMBERS_V8,	     .init = init_v9,	    .getProperties = properties_v9,
	.listen = listen_v9, .connect = connect_v9, .isend = isend_v9,
	.irecv = irecv_v9,
};

EXPORT ncclNet_v10_t ncclNetPlugin_v10 = {
	MEMBERS_V8,	     .init = init_v10,	     .getProperties = properties_v10,
	.listen = listen_v9, .connect = connect_v10, .isend = isend_v10,
	.irecv = irecv_v10,
};

EXPORT ncclNet_v11_t ncclNetPlugin_v11 = {
	MEMBERS_V8,	      .init = init_v11,		.getProperties = properties_v11,
	.listen = listen_v11, .connect = connect_v11,	.isend = isend_v10,
	.irecv = irecv_v10,   .finalize = finalize_v11,
};

EXPORT ncclNet_v12_t ncclNetPlugin_v12 = {
	MEMBERS_V8,	      .init = init_v12,		.getProperties = properties_v12,
	.listen = listen_v11, .connect = connect_v11,	.isend = isend_v10,
	.irecv = irecv_v10,   .finalize = finalize_v11,
};

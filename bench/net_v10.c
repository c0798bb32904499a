// SPDX-License-Identifier: BSD-3-Clause
/* Version 10 of the net plugin interface, seen as the newest: one state per process, the traffic class goes to connect. */
#include "net_abi.h"

#include <string.h>

#include "nccl/net_v10.h"

static const ncclNet_v10_t *plugin(void)
{
	return net_table;
}
static ncclNetCommConfig_t config = { NCCL_NET_TRAFFIC_CLASS_UNDEF };

static ncclResult_t init(void **ctx, uint64_t comm_id, ncclNetCommConfig_t *comm_config,
			 ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	*ctx = NULL;
	config = *comm_config;
	return plugin()->init(logger, profiler);
}

static ncclResult_t get_properties(int dev, ncclNetProperties_v12_t *props)
{
	ncclNetProperties_v10_t old;
	ncclResult_t result;

	memset(&old, 0, sizeof(old));
	result = plugin()->getProperties(dev, &old);
	if (result == ncclSuccess)
		NET_COPY_PROPS_V9(props, &old);
	return result;
}

static ncclResult_t listen_on(void *ctx, int dev, void *handle, void **comm)
{
	return plugin()->listen(dev, handle, comm);
}

static ncclResult_t connect_to(void *ctx, int dev, void *handle, void **comm,
			       ncclNetDeviceHandle_t **device)
{
	return plugin()->connect(dev, &config, handle, comm, device);
}

void net_adapt_v10(const void *table, ncclNet_v12_t *ops)
{
	const ncclNet_v10_t *old = table;

	NET_COPY_SHARED(ops, old);
	ops->init = init;
	ops->getProperties = get_properties;
	ops->listen = listen_on;
	ops->connect = connect_to;
	ops->isend = old->isend;
	ops->irecv = old->irecv;
}

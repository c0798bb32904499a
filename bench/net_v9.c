// SPDX-License-Identifier: BSD-3-Clause
/* Version 9 of the net plugin interface, seen as the newest: no profiler, no traffic class. */
#include "net_abi.h"

#include <string.h>

#include "nccl/net_v9.h"

static const ncclNet_v9_t *plugin(void)
{
	return net_table;
}

static ncclResult_t init(void **ctx, uint64_t comm_id, ncclNetCommConfig_t *config,
			 ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	*ctx = NULL;
	return plugin()->init(logger);
}

static ncclResult_t get_properties(int dev, ncclNetProperties_v12_t *props)
{
	ncclNetProperties_v9_t old;
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
	return plugin()->connect(dev, handle, comm, device);
}

static ncclResult_t isend(void *comm, void *data, size_t size, int tag, void *mhandle,
			  void *phandle, void **request)
{
	return plugin()->isend(comm, data, size, tag, mhandle, request);
}

static ncclResult_t irecv(void *comm, int n, void **data, size_t *sizes, int *tags, void **mhandles,
			  void **phandles, void **request)
{
	return plugin()->irecv(comm, n, data, sizes, tags, mhandles, request);
}

void net_adapt_v9(const void *table, ncclNet_v12_t *ops)
{
	const ncclNet_v9_t *old = table;

	NET_COPY_SHARED(ops, old);
	ops->init = init;
	ops->getProperties = get_properties;
	ops->listen = listen_on;
	ops->connect = connect_to;
	ops->isend = isend;
	ops->irecv = irecv;
}

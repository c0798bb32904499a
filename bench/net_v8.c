// SPDX-License-Identifier: BSD-3-Clause
/* Version 8 of the net plugin interface, seen as the newest: sizes are int, flushes are never forced. */
#include "net_abi.h"

#include <string.h>

#include "nccl/net_v8.h"

static const ncclNet_v8_t *plugin(void)
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
	ncclNetProperties_v8_t old;
	ncclResult_t result;

	memset(&old, 0, sizeof(old));
	result = plugin()->getProperties(dev, &old);
	if (result != ncclSuccess)
		return result;
	NET_COPY_PROPS(props, &old);
	props->vProps.ndevs = 1;
	props->vProps.devs[0] = dev;
	props->maxP2pBytes = NET_OLD_MAX_BYTES;
	props->maxCollBytes = NET_OLD_MAX_BYTES;
	return ncclSuccess;
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
	if (size > NET_OLD_MAX_BYTES)
		return ncclInternalError;
	return plugin()->isend(comm, data, (int)size, tag, mhandle, request);
}

static ncclResult_t irecv(void *comm, int n, void **data, size_t *sizes, int *tags, void **mhandles,
			  void **phandles, void **request)
{
	int small;

	if (n != 1 || sizes[0] > NET_OLD_MAX_BYTES)
		return ncclInternalError;
	small = (int)sizes[0];
	return plugin()->irecv(comm, 1, data, &small, tags, mhandles, request);
}

void net_adapt_v8(const void *table, ncclNet_v12_t *ops)
{
	const ncclNet_v8_t *old = table;

	NET_COPY_SHARED(ops, old);
	ops->init = init;
	ops->getProperties = get_properties;
	ops->listen = listen_on;
	ops->connect = connect_to;
	ops->isend = isend;
	ops->irecv = irecv;
}

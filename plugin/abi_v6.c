// SPDX-License-Identifier: BSD-3-Clause
/* The tables that NCCL looks up, versions 6 to 8, whose messages have sizes of type int. Read from
 * the bottom. */
#include "abi.h"

#include <string.h>

#include "nccl/net_v6.h"
#include "nccl/net_v7.h"
#include "nccl/net_v8.h"

extern ncclNet_v6_t ncclNetPlugin_v6;
extern ncclNet_v7_t ncclNetPlugin_v7;
extern ncclNet_v8_t ncclNetPlugin_v8;

static ncclResult_t properties_v6(int dev, ncclNetProperties_v6_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	memset(props, 0, sizeof(*props));
	FILL_V6(props, own);
	return result;
}

static ncclResult_t properties_v7(int dev, ncclNetProperties_v7_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	memset(props, 0, sizeof(*props));
	FILL_V7(props, own);
	return result;
}

static ncclResult_t properties_v8(int dev, ncclNetProperties_v8_t *props)
{
	struct net_properties own = {0};
	ncclResult_t result = net_properties(dev, &own);

	memset(props, 0, sizeof(*props));
	FILL_V8(props, own);
	return result;
}

static ncclResult_t init_v6(ncclDebugLogger_t logger)
{
	return net_init(&(struct net_core){.logger = logger});
}

static ncclResult_t init_v7(ncclDebugLogger_t logger)
{
	ncclResult_t result = net_init(&(struct net_core){.logger = logger, .unpacks = true});

	OFFER_UNPACK(&ncclNetPlugin_v7);
	return result;
}

static ncclResult_t init_v8(ncclDebugLogger_t logger)
{
	ncclResult_t result = net_init(&(struct net_core){.logger = logger, .unpacks = true});

	OFFER_UNPACK(&ncclNetPlugin_v8);
	return result;
}

static ncclResult_t accept_v6(void *listen_comm, void **recv_comm)
{
	return net_accept(listen_comm, recv_comm, NULL);
}

static ncclResult_t listen_v6(int dev, void *handle, void **listen_comm)
{
	return net_listen(dev, NCCL_NET_TRAFFIC_CLASS_UNDEF, handle, listen_comm);
}

static ncclResult_t connect_v6(int dev, void *handle, void **send_comm)
{
	return net_connect(dev, NCCL_NET_TRAFFIC_CLASS_UNDEF, handle, send_comm);
}

static ncclResult_t connect_v7(int dev, void *handle, void **send_comm,
			       ncclNetDeviceHandle_t **device)
{
	return net_connect(dev, NCCL_NET_TRAFFIC_CLASS_UNDEF, handle, send_comm);
}

static ncclResult_t reg_mr_v6(void *comm, void *data, int size, int type, void **mhandle)
{
	*mhandle = NULL;
	return size < 0 ? ncclInvalidArgument : net_reg_mr(comm, data, (size_t)size, type, mhandle);
}

static ncclResult_t isend_v6(void *comm, void *data, int size, int tag, void *mhandle,
			     void **request)
{
	*request = NULL;
	return size < 0 ? ncclInvalidArgument
			: net_isend(comm, data, (size_t)size, mhandle, NULL, request);
}

static ncclResult_t irecv_v6(void *comm, int n, void **data, int *sizes, int *tags, void **mhandles,
			     void **request)
{
	*request = NULL;
	return sizes[0] < 0
		       ? ncclInvalidArgument
		       : net_irecv(comm, n, data[0], (size_t)sizes[0], mhandles[0], NULL, request);
}

EXPORT ncclNet_v6_t ncclNetPlugin_v6 = {
	MEMBERS_V6,	     .init = init_v6,	    .getProperties = properties_v6,
	.listen = listen_v6, .connect = connect_v6, .accept = accept_v6,
	.regMr = reg_mr_v6,  .isend = isend_v6,	    .irecv = irecv_v6,
};

EXPORT ncclNet_v7_t ncclNetPlugin_v7 = {
	MEMBERS_V7,	     .init = init_v7,	    .getProperties = properties_v7,
	.listen = listen_v6, .connect = connect_v7, .regMr = reg_mr_v6,
	.isend = isend_v6,   .irecv = irecv_v6,
};

EXPORT ncclNet_v8_t ncclNetPlugin_v8 = {
	MEMBERS_V8,	     .init = init_v8,	    .getProperties = properties_v8,
	.listen = listen_v6, .connect = connect_v7, .isend = isend_v6,
	.irecv = irecv_v6,
};

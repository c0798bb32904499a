// SPDX-License-Identifier: BSD-3-Clause
/* The plugin's table, as NCCL 2.30 takes it: init, properties and memory; the rest lies in files of
 * its own. */
#include <errno.h>
#include <string.h>

#include "verbs.h"

#define MAX_COMMS 65536

ncclDebugLogger_t verbs_logger;
static int users; /* communicators between init and finalize */

static ncclResult_t init(void **ctx, uint64_t comm_id, ncclNetCommConfig_t *config,
			 ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
{
	ncclResult_t result = ncclSuccess;

	verbs_logger = logger;
	*ctx = NULL;
	if (users == 0)
		result = verbs_devices_open();
	if (result == ncclSuccess && users++ == 0)
		INFO("data goes through host memory: this plugin registers no dmabufs");
	return result;
}

static ncclResult_t finalize(void *ctx)
{
	if (--users == 0)
		verbs_devices_close();
	return ncclSuccess;
}

static ncclResult_t devices(int *n)
{
	*n = verbs_devices_count();
	return ncclSuccess;
}

static ncclResult_t get_properties(int dev, ncclNetProperties_v12_t *props)
{
	struct verbs_device *device = verbs_device_get(dev);

	if (!device)
		return ncclInvalidArgument;
	*props = (ncclNetProperties_v12_t){
		.name = (char *)ibv_get_device_name(device->context->device),
		.guid = device->guid,
		.ptrSupport = NCCL_PTR_HOST,
		.speed = verbs_device_speed(device),
		.port = device->port,
		.maxComms = MAX_COMMS,
		.maxRecvs = 1,
		.netDeviceType = NCCL_NET_DEVICE_HOST,
		.netDeviceVersion = NCCL_NET_DEVICE_INVALID_VERSION,
		.vProps = {.ndevs = 1, .devs = {dev}},
		.maxP2pBytes = device->attr.max_msg_sz,
		.maxCollBytes = device->attr.max_msg_sz,
		.railId = NCCL_NET_ID_UNDEF,
		.planeId = NCCL_NET_ID_UNDEF,
	};
	return ncclSuccess;
}

static ncclResult_t reg_mr(void *opaque, void *data, size_t size, int type, void **mhandle)
{
	struct verbs_comm *comm = opaque;

	if (type != NCCL_PTR_HOST) {
		WARN("memory of a device: this plugin registers host memory alone, as ptrSupport "
		     "says");
		return ncclInvalidUsage;
	}
	*mhandle = ibv_reg_mr(comm->pd, data, size,
			      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	if (*mhandle)
		return ncclSuccess;
	WARN("registering %zu bytes failed: %s; `ulimit -l` must be as large as all that is "
	     "registered",
	     size, strerror(errno));
	return ncclSystemError;
}

static ncclResult_t dereg_mr(void *comm, void *mhandle)
{
	int ret = ibv_dereg_mr(mhandle);

	if (ret == 0)
		return ncclSuccess;
	WARN("ibv_dereg_mr() failed: %s", strerror(ret));
	return ncclSystemError;
}

/* Received data is in host memory when its receive is done. */
static ncclResult_t iflush(void *comm, int n, void **data, int *sizes, void **mhandles,
			   void **request)
{
	*request = NULL;
	return ncclSuccess;
}

__attribute__((visibility("default"))) const ncclNet_v12_t ncclNetPlugin_v12 = {
	.name = "verbs",
	.init = init,
	.devices = devices,
	.getProperties = get_properties,
	.listen = verbs_listen,
	.connect = verbs_connect,
	.accept = verbs_accept,
	.regMr = reg_mr,
	.deregMr = dereg_mr,
	.isend = verbs_isend,
	.irecv = verbs_irecv,
	.iflush = iflush,
	.test = verbs_test,
	.closeSend = verbs_close,
	.closeRecv = verbs_close,
	.closeListen = verbs_close_listen,
	.finalize = finalize,
};

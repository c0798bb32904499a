// SPDX-License-Identifier: BSD-3-Clause
/* Connections and messages, apart from the version of NCCL's interface. */
#include "net_devmem.h"
#include "error.h"
#include "metrics.h"
#include "net_state.h"
#include "plugin_log.h"
#include "profile.h"
#include "sockopt.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* A handle that is not NULL for host memory, which needs no registration. */
static struct region host_region;

ncclResult_t net_result(int code)
{
	switch (-code) {
	case 0:
		return ncclSuccess;
	case ECONNRESET:
	case ECONNABORTED:
	case ECONNREFUSED:
	case EPIPE:
	case EPROTO:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return ncclRemoteError;
	case EMSGSIZE:
		return ncclInvalidUsage;
	case EINVAL:
		return ncclInvalidArgument;
	default:
		return ncclSystemError;
	}
}

/* For failures whose text was not said yet. What is short of memory says no more than that wherever
 * it is. */
static ncclResult_t fail(const struct devmem_error *err, const char *where)
{
	bool bare = err->code == -ENOMEM && !strcmp(err->text, "out of memory");

	plugin_log(LOG_LEVEL_WARN, where, __LINE__, "%s%s%s", err->text, bare ? "; " : "",
		   bare ? error_advice(err->code) : "");
	return net_result(err->code);
}

ncclResult_t net_devices(int *n)
{
	*n = (int)net.memories.n_nics;
	return ncclSuccess;
}

static bool device_exists(int dev)
{
	if (dev >= 0 && (unsigned int)dev < net.memories.n_nics)
		return true;
	plugin_log(
		LOG_LEVEL_WARN, __func__, __LINE__,
		"NCCL asked for device %d of %u, a fault of NCCL or of the program that calls the "
		"plugin: run again with NCCL_DEBUG=INFO, and report its output",
		dev, net.memories.n_nics);
	return false;
}

bool net_has_device_memory(void)
{
	return devmem_exporter_kind(net.memories.list[0].exporter) != DEVMEM_MEM_HOST;
}

ncclResult_t net_properties(int dev, struct net_properties *properties)
{
	const struct devmem_nic *nic;

	if (!device_exists(dev))
		return ncclInvalidArgument;
	nic = &net.memories.nics[dev];
	*properties = (struct net_properties){
		.name = net.texts[dev].name,
		.pci_path = net.texts[dev].pci_path[0] ? net.texts[dev].pci_path : NULL,
		.guid = nic->guid,
		/* Not CUDA: NCCL then hands device memory over with its dmabuf or not at all. */
		.ptr_support = NCCL_PTR_HOST | (net_has_device_memory() ? NCCL_PTR_DMABUF : 0),
		.speed = (int)nic->speed_mbps,
		.port = (int)nic->port,
		.device_type = net.unpacks ? NCCL_NET_DEVICE_UNPACK : NCCL_NET_DEVICE_HOST,
		.device_version = net.unpacks ? NCCL_NET_DEVICE_UNPACK_VERSION
					      : NCCL_NET_DEVICE_INVALID_VERSION,
	};
	return ncclSuccess;
}

/* As NCCL's transport for InfiniBand: the variable goes before what the communicator asks for. */
static int choose_traffic_class(int asked, int *traffic_class)
{
	*traffic_class = net.params.traffic_class >= 0 ? (int)net.params.traffic_class : asked;
	if (*traffic_class >= TRAFFIC_CLASS_UNSET && *traffic_class <= 255)
		return 0;
	plugin_log(LOG_LEVEL_WARN, __func__, __LINE__,
		   "the communicator's traffic class is %d and must be 0 to 255 (four times the "
		   "DSCP): correct trafficClass in ncclConfig_t, or set NCCL_DEVMEM_TRAFFIC_CLASS",
		   asked);
	return -EINVAL;
}

ncclResult_t net_listen(int dev, int traffic_class, void *handle, void **listen_comm)
{
	struct devmem_error err = {0};
	struct wire_handle wire;
	struct listener *listener;
	struct device *device;
	int ret;

	*listen_comm = NULL;
	if (!device_exists(dev) || choose_traffic_class(traffic_class, &traffic_class))
		return ncclInvalidArgument;
	pthread_mutex_lock(&net.lock);
	ret = memories_device(&net.memories, (unsigned int)dev, &device, &err);
	pthread_mutex_unlock(&net.lock);
	if (ret || listener_new(device, traffic_class, &listener, &wire, &err))
		return fail(&err, __func__);
	memset(handle, 0, NCCL_NET_HANDLE_MAXSIZE);
	wire_put_handle(handle, &wire);
	net_user_come();
	*listen_comm = listener;
	return ncclSuccess;
}

ncclResult_t net_connect(int dev, int traffic_class, void *handle, void **send_comm)
{
	struct devmem_error err = {0};
	struct attempt *attempt;
	struct device *device;
	struct wire_handle wire;
	unsigned int version = 0;
	struct conn *conn = NULL;
	int ret;

	*send_comm = NULL;
	if (!device_exists(dev) || choose_traffic_class(traffic_class, &traffic_class))
		return ncclInvalidArgument;
	ret = wire_get_handle(handle, NCCL_NET_HANDLE_MAXSIZE, &wire, &version);
	if (ret == -EPROTONOSUPPORT) {
		devmem_error_set(&err, -EPROTO,
				 "the peer's handle is of version %u of devmem's protocol and this "
				 "side speaks %u: install the "
				 "same release on all hosts",
				 version, WIRE_VERSION);
		return fail(&err, __func__);
	}
	if (ret) {
		devmem_error_set(&err, -EPROTO,
				 "the peer's handle is none of devmem's: do all ranks load the "
				 "same net plugin "
				 "(NCCL_NET_PLUGIN=devmem NCCL_NET=devmem)?");
		return fail(&err, __func__);
	}
	pthread_mutex_lock(&net.lock);
	attempt = attempt_find(net.attempts, handle, &wire);
	ret = attempt ? 0 : memories_device(&net.memories, (unsigned int)dev, &device, &err);
	if (!attempt && !ret)
		ret = attempt_new(&net.attempts, device, traffic_class, handle, &wire, &attempt,
				  &err);
	if (!ret)
		ret = dialer_poll(attempt->dialer, &conn, &err);
	if (attempt && ret)
		attempt_end(&net.attempts, attempt);
	if (conn)
		net.users++;
	pthread_mutex_unlock(&net.lock);
	*send_comm = conn;
	return ret < 0 ? fail(&err, __func__) : ncclSuccess;
}

/* NCCL's bootstrap accepts without a handle: no kernel looks at what such a connection receives. */
static bool kernels_unpack(const ncclNetDeviceHandle_t *device)
{
	return net.unpacks && device && device->netDeviceType == NCCL_NET_DEVICE_UNPACK &&
	       device->netDeviceVersion == NCCL_NET_DEVICE_UNPACK_VERSION;
}

static int offer_unpack(struct conn *conn, ncclNetDeviceHandle_t *device, struct devmem_error *err)
{
	struct nccl_unpack_handle *handle;
	uintptr_t base;
	int ret;

	pthread_mutex_lock(&net.lock);
	ret = memories_base(&net.memories, conn, &base, err);
	pthread_mutex_unlock(&net.lock);
	if (!ret)
		ret = conn_use_unpack(conn, base, &handle, err);
	if (ret)
		return ret;
	device->handle = handle;
	device->size = sizeof(*handle);
	device->needsProxyProgress = 1;
	return 0;
}

ncclResult_t net_accept(void *listen_comm, void **recv_comm, ncclNetDeviceHandle_t *device)
{
	struct devmem_error err = {0};
	struct conn *conn;

	*recv_comm = NULL;
	if (listener_poll(listen_comm, &conn, &err) < 0)
		return fail(&err, __func__);
	if (conn && kernels_unpack(device) && offer_unpack(conn, device, &err)) {
		conn_close(conn);
		return fail(&err, __func__);
	}
	if (conn)
		net_user_come();
	*recv_comm = conn;
	return ncclSuccess;
}

static ncclResult_t reg_device(struct conn *conn, void *data, size_t size, uint64_t offset, int fd,
			       void **mhandle)
{
	struct devmem_error err = {0};
	struct region *region;

	if (net_has_device_memory() &&
	    devmem_exporter_kind(conn->device->exporter) == DEVMEM_MEM_HOST) {
		devmem_error_set(
			&err, -EINVAL,
			"device memory at %p cannot be registered: the connection is for a "
			"CUDA device that exports none, as a warning told when it was made",
			data);
		return fail(&err, __func__);
	}
	if (device_register(conn->device, data, size, fd, offset, conn->sender, &region, &err))
		return fail(&err, __func__);
	*mhandle = region;
	return ncclSuccess;
}

ncclResult_t net_reg_mr(void *comm, void *data, size_t size, int type, void **mhandle)
{
	if (type == NCCL_PTR_HOST) {
		*mhandle = &host_region;
		return ncclSuccess;
	}
	return reg_device(comm, data, size, 0, -1, mhandle);
}

ncclResult_t net_reg_mr_dmabuf(void *comm, void *data, size_t size, int type, uint64_t offset,
			       int fd, void **mhandle)
{
	return reg_device(comm, data, size, offset, fd, mhandle);
}

ncclResult_t net_dereg_mr(void *comm, void *mhandle)
{
	if (mhandle && mhandle != &host_region)
		device_deregister(((struct conn *)comm)->device, mhandle);
	return ncclSuccess;
}

static ncclResult_t post(struct conn *conn, void *data, size_t size, void *mhandle, void *profiled,
			 void **request)
{
	const struct region *region = mhandle == &host_region ? NULL : mhandle;
	struct request *posted;
	int ret = conn_post(conn, data, size, region, &posted);

	if (posted)
		posted->profiled = profiled;
	*request = posted;
	return net_result(ret);
}

ncclResult_t net_isend(void *send_comm, void *data, size_t size, void *mhandle, void *profiled,
		       void **request)
{
	ncclResult_t result = post(send_comm, data, size, mhandle, profiled, request);

	if (result == ncclSuccess && *request) {
		int ret = conn_begin(send_comm);

		profile_progress(*request);
		if (ret < 0) {
			profile_end(*request);
			*request = NULL;
			result = net_result(ret);
		}
	}
	return result;
}

ncclResult_t net_irecv(void *recv_comm, int n, void *data, size_t size, void *mhandle,
		       void *profiled, void **request)
{
	if (n != 1) {
		*request = NULL;
		plugin_log(LOG_LEVEL_WARN, __func__, __LINE__,
			   "NCCL posted a receive of %d buffers and the plugin takes one "
			   "(maxRecvs), a "
			   "fault of NCCL or of the program that calls the plugin: run again with "
			   "NCCL_DEBUG=INFO, and report its output",
			   n);
		return ncclInternalError;
	}
	return post(recv_comm, data, size, mhandle, profiled, request);
}

ncclResult_t net_test(void *request, int *done, int *size)
{
	size_t len = 0;
	struct conn *conn = ((struct request *)request)->conn;
	int ret = conn_test(request, &len);

	metrics_tick(conn);
	*done = ret > 0;
	/* A request that is done is free, and as it was until the next is posted. */
	if (ret)
		profile_end(request);
	else
		profile_progress(request);
	if (ret < 0)
		return net_result(ret);
	/* NCCL's size is an int; longer messages exist since version 9 of the interface, whose core
	 * does not look at it. */
	if (ret && size)
		*size = len > INT_MAX ? INT_MAX : (int)len;
	return ncclSuccess;
}

ncclResult_t net_irecv_consumed(void *recv_comm, int n, void *request)
{
	struct conn *conn = recv_comm;
	int ret = n == 1 ? conn_consumed(conn, request) : -EINVAL;

	if (ret == -EINVAL) {
		plugin_log(LOG_LEVEL_WARN, __func__, __LINE__,
			   "NCCL said that a receive was consumed which is not the oldest one that "
			   "is done, a fault of NCCL or of the program that calls the plugin: run "
			   "again with NCCL_DEBUG=INFO, and report its output");
		return ncclInternalError;
	}
	return net_result(ret);
}

static ncclResult_t close_conn(struct conn *conn)
{
	if (!conn)
		return ncclSuccess;
	conn_close(conn);
	net_user_gone();
	return ncclSuccess;
}

ncclResult_t net_close_send(void *send_comm)
{
	return close_conn(send_comm);
}

ncclResult_t net_close_recv(void *recv_comm)
{
	return close_conn(recv_comm);
}

ncclResult_t net_close_listen(void *listen_comm)
{
	if (!listen_comm)
		return ncclSuccess;
	listener_free(listen_comm);
	net_user_gone();
	return ncclSuccess;
}

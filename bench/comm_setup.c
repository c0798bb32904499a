// SPDX-License-Identifier: BSD-3-Clause
/* The service thread's jobs: connections of all links at once, and the registration of their FIFOs. */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "comm.h"

static int failed(const struct comm *comm, const char *call, ncclResult_t result,
		  const struct link *link)
{
	return fail(comm->failure, "%s returned %d (%s) for channel %u", call, result,
		    result_name(result), link->channel);
}

int comm_listen(void *arg)
{
	struct comm *comm = arg;

	/* Connections are for the device that is current in this thread. */
	gpu_use(&comm->local->gpu);
	for (unsigned int i = 0; i < comm->n_links; i++) {
		struct link *link = &comm->links[i];
		ncclResult_t result;

		result = net_call(comm->net, listen, comm->ctx, link->recv_dev, link->own_handle,
				  &link->listener);
		if (result != ncclSuccess)
			return failed(comm, "listen", result, link);
		if (!link->listener)
			return fail(comm->failure, "listen gave no listener for channel %u",
				    link->channel);
	}
	return 0;
}

/* NCCL asks with a pointer to NULL where its kernels have nothing to unpack. */
static int try_connect(struct comm *comm, struct link *link)
{
	ncclNetDeviceHandle_t *device = NULL;
	ncclResult_t result;

	if (link->send.comm)
		return 0;
	result = net_call(comm->net, connect, comm->ctx, link->send_dev, link->peer_handle,
			  &link->send.comm, &device);
	if (result != ncclSuccess)
		return failed(comm, "connect", result, link);
	return link->send.comm != NULL;
}

/* Without a proxy that moves it along NCCL would never receive anything. */
static int take_handle(struct comm *comm, struct link *link)
{
	const ncclNetDeviceHandle_t *device = &link->device;

	if (!device->handle || device->size != sizeof(struct nccl_unpack_handle) ||
	    !device->needsProxyProgress)
		return fail(comm->failure,
			    "accept left the device handle of type UNPACK incomplete: handle %p, %zu bytes, needsProxyProgress %d",
			    device->handle, device->size, device->needsProxyProgress);
	return 0;
}

/* A listener has done its work with the first connection. */
static int try_accept(struct comm *comm, struct link *link)
{
	ncclNetDeviceHandle_t *device = NULL;
	ncclResult_t result;

	if (link->recv.comm)
		return 0;
	if (comm->props.netDeviceType == NCCL_NET_DEVICE_UNPACK) {
		device = &link->device;
		device->netDeviceType = comm->props.netDeviceType;
		device->netDeviceVersion = comm->props.netDeviceVersion;
	}
	result = net_call(comm->net, accept, link->listener, &link->recv.comm, &device);
	if (result != ncclSuccess)
		return failed(comm, "accept", result, link);
	if (!link->recv.comm)
		return 0;
	if (device && take_handle(comm, link))
		return -1;
	result = net_call(comm->net, closeListen, link->listener);
	if (result != ncclSuccess)
		return failed(comm, "closeListen", result, link);
	link->listener = NULL;
	return 1;
}

/* Ranks differ in what they ask first, so that no order is relied upon. */
static int try_both(struct comm *comm, struct link *link)
{
	bool connect_first = comm->rank % 2;
	int first = connect_first ? try_connect(comm, link) : try_accept(comm, link);
	int second;

	if (first < 0)
		return first;
	second = connect_first ? try_accept(comm, link) : try_connect(comm, link);
	return second < 0 ? second : first + second;
}

static int connect_stuck(const struct comm *comm)
{
	char text[512] = "";
	size_t len = 0;

	for (unsigned int i = 0; i < comm->n_links && len < sizeof(text) - 128; i++) {
		const struct link *link = &comm->links[i];

		if (!link->send.comm)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"channel %u: connect to rank %d; ", link->channel,
						link->send.peer);
		if (!link->recv.comm)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"channel %u: accept from rank %d; ", link->channel,
						link->recv.peer);
	}
	return fail(
		comm->failure,
		"connections are not there after %u s without progress: %sdoes the network between the ranks work?",
		comm->args->timeout, text);
}

int comm_connect(void *arg)
{
	struct comm *comm = arg;
	unsigned int left = 2 * comm->n_links;
	uint64_t moved = now_ns();

	while (left) {
		uint64_t now = now_ns();

		worker_beat(comm->worker, now);
		for (unsigned int i = 0; i < comm->n_links; i++) {
			int made = try_both(comm, &comm->links[i]);

			if (made < 0)
				return -1;
			left -= (unsigned int)made;
			if (made)
				moved = now;
		}
		if (now > moved + comm->args->timeout * 1000000000ULL)
			return connect_stuck(comm);
		sched_yield();
	}
	return 0;
}

static int register_fifo(struct comm *comm, const struct link *link, void *plugin_comm,
			 const struct devmem_mem *mem, void **mhandle)
{
	ncclResult_t result;
	int fd;

	if (!comm->by_dmabuf) {
		result = net_call(comm->net, regMr, plugin_comm, mem->addr, mem->size,
				  comm->device_fifos ? NCCL_PTR_CUDA : NCCL_PTR_HOST, mhandle);
		return result == ncclSuccess ? 0 : failed(comm, "regMr", result, link);
	}
	fd = dup(mem->dmabuf_fd);
	if (fd < 0)
		return fail(comm->failure, "cannot duplicate a dmabuf's descriptor: %m");
	result = net_call(comm->net, regMrDmaBuf, plugin_comm, mem->addr, mem->size, NCCL_PTR_CUDA,
			  mem->dmabuf_offset, fd, mhandle);
	/* As NCCL does: a plugin that needs it later must have its own. */
	close(fd);
	return result == ncclSuccess ? 0 : failed(comm, "regMrDmaBuf", result, link);
}

static int make_fifo(struct comm *comm, struct devmem_mem **mem, struct fifo *fifo)
{
	struct devmem_error err;

	fifo->shape = comm->args->shape;
	if (devmem_mem_alloc(comm->fifo_exporter, fifo->shape->bytes, mem, &err))
		return fail(comm->failure, "%s", err.text);
	fifo->data = (*mem)->addr;
	return 0;
}

int comm_register(void *arg)
{
	struct comm *comm = arg;

	for (unsigned int i = 0; i < comm->n_links; i++) {
		struct link *link = &comm->links[i];

		if (make_fifo(comm, &link->send_mem, &link->send.fifo) ||
		    make_fifo(comm, &link->recv_mem, &link->recv.fifo) ||
		    register_fifo(comm, link, link->send.comm, link->send_mem,
				  &link->send.mhandle) ||
		    register_fifo(comm, link, link->recv.comm, link->recv_mem,
				  &link->recv.mhandle))
			return -1;
	}
	return 0;
}

static int close_link(struct comm *comm, struct link *link)
{
	ncclResult_t result;

	result = net_call(comm->net, deregMr, link->send.comm, link->send.mhandle);
	if (result == ncclSuccess)
		result = net_call(comm->net, deregMr, link->recv.comm, link->recv.mhandle);
	if (result != ncclSuccess)
		return failed(comm, "deregMr", result, link);
	result = net_call(comm->net, closeSend, link->send.comm);
	if (result != ncclSuccess)
		return failed(comm, "closeSend", result, link);
	result = net_call(comm->net, closeRecv, link->recv.comm);
	return result == ncclSuccess ? 0 : failed(comm, "closeRecv", result, link);
}

int comm_close(void *arg)
{
	struct comm *comm = arg;

	for (unsigned int i = 0; i < comm->n_links; i++) {
		worker_beat(comm->worker, now_ns());
		if (close_link(comm, &comm->links[i]))
			return -1;
	}
	return 0;
}

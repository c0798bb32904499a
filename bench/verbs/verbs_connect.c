// SPDX-License-Identifier: BSD-3-Clause
/* Connections: from listen() to close, none of which waits. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verbs.h"

/* What listen() gives and connect() is given, with its state from call to call. */
struct handle {
	struct sockaddr_in6 addr;
	struct verbs_comm *connecting;
};

static_assert(sizeof(struct handle) <= NCCL_NET_HANDLE_MAXSIZE, "NCCL carries no more");

static void comm_free(struct verbs_comm *comm)
{
	if (!comm)
		return;
	verbs_queue_close(comm);
	if (comm->fd >= 0)
		close(comm->fd);
	free(comm);
}

static struct verbs_comm *comm_alloc(struct verbs_device *device, bool sends)
{
	struct verbs_comm *comm = calloc(1, sizeof(*comm));

	if (!comm) {
		WARN("out of memory");
		return NULL;
	}
	comm->device = device;
	comm->sends = sends;
	comm->fd = -1;
	return comm;
}

ncclResult_t verbs_listen(void *ctx, int dev, void *handle, void **listen_comm)
{
	struct verbs_device *device = verbs_device_get(dev);
	struct verbs_listener *listener;
	struct handle own = {0};
	ncclResult_t result;

	if (!device)
		return ncclInvalidArgument;
	listener = calloc(1, sizeof(*listener));
	if (!listener) {
		WARN("out of memory");
		return ncclSystemError;
	}
	listener->device = device;
	result = verbs_tcp_listen(device, &listener->fd, &own.addr);
	if (result != ncclSuccess) {
		verbs_close_listen(listener);
		return result;
	}
	memset(handle, 0, NCCL_NET_HANDLE_MAXSIZE);
	memcpy(handle, &own, sizeof(own));
	*listen_comm = listener;
	return ncclSuccess;
}

static ncclResult_t meet(struct verbs_comm *comm)
{
	if (comm->peer.magic == VERBS_MAGIC)
		return verbs_queue_connect(comm);
	WARN("what connected speaks another protocol: is the same plugin on both hosts?");
	return ncclInvalidUsage;
}

/* One step; *@done when the state is over. The sender is ready first, as the receiver writes to it
 * at once. */
static ncclResult_t step(struct verbs_comm *comm, bool *done)
{
	char ready = 0;

	switch (comm->state) {
	case VERBS_TCP:
		return verbs_tcp_connected(comm, done);
	case VERBS_OWN_HELLO:
		return verbs_tcp_send(comm, &comm->own, sizeof(comm->own), done);
	case VERBS_PEER_HELLO: {
		ncclResult_t result = verbs_tcp_recv(comm, &comm->peer, sizeof(comm->peer), done);

		return result == ncclSuccess && *done ? meet(comm) : result;
	}
	case VERBS_READY:
		return comm->sends ? verbs_tcp_send(comm, &ready, 1, done)
				   : verbs_tcp_recv(comm, &ready, 1, done);
	case VERBS_UP:
		break;
	}
	return ncclSuccess;
}

static ncclResult_t progress(struct verbs_comm *comm)
{
	bool done = true;

	while (comm->state != VERBS_UP && done) {
		ncclResult_t result = step(comm, &done);

		if (result != ncclSuccess)
			return result;
		comm->state += done;
	}
	return ncclSuccess;
}

static ncclResult_t begin_connect(int dev, struct handle *handle)
{
	struct verbs_device *device = verbs_device_get(dev);
	ncclResult_t result;

	if (!device)
		return ncclInvalidArgument;
	handle->connecting = comm_alloc(device, true);
	if (!handle->connecting)
		return ncclSystemError;
	result = verbs_queue_open(handle->connecting);
	return result == ncclSuccess ? verbs_tcp_begin(handle->connecting, &handle->addr) : result;
}

ncclResult_t verbs_connect(void *ctx, int dev, void *opaque, void **send_comm,
			   ncclNetDeviceHandle_t **device)
{
	struct handle handle;
	ncclResult_t result;

	memcpy(&handle, opaque, sizeof(handle)); /* which lies at any address */
	result = handle.connecting ? ncclSuccess : begin_connect(dev, &handle);
	*send_comm = NULL;
	if (result == ncclSuccess)
		result = progress(handle.connecting);
	if (result != ncclSuccess)
		comm_free(handle.connecting);
	else if (handle.connecting->state == VERBS_UP)
		*send_comm = handle.connecting;
	if (result != ncclSuccess || *send_comm)
		handle.connecting = NULL;
	memcpy(opaque, &handle, sizeof(handle));
	return result;
}

static ncclResult_t begin_accept(struct verbs_listener *listener)
{
	ncclResult_t result;
	int fd;

	result = verbs_tcp_accept(listener->fd, &fd);
	if (result != ncclSuccess || fd < 0)
		return result;
	listener->accepting = comm_alloc(listener->device, false);
	if (!listener->accepting) {
		close(fd);
		return ncclSystemError;
	}
	listener->accepting->fd = fd;
	return verbs_queue_open(listener->accepting);
}

ncclResult_t verbs_accept(void *listen_comm, void **recv_comm, ncclNetDeviceHandle_t **device)
{
	struct verbs_listener *listener = listen_comm;
	ncclResult_t result = listener->accepting ? ncclSuccess : begin_accept(listener);

	*recv_comm = NULL;
	if (result == ncclSuccess && listener->accepting)
		result = progress(listener->accepting);
	if (result == ncclSuccess && listener->accepting &&
	    listener->accepting->state == VERBS_UP) {
		*recv_comm = listener->accepting;
		listener->accepting = NULL;
	}
	return result;
}

ncclResult_t verbs_close(void *comm)
{
	comm_free(comm);
	return ncclSuccess;
}

ncclResult_t verbs_close_listen(void *listen_comm)
{
	struct verbs_listener *listener = listen_comm;

	if (!listener)
		return ncclSuccess;
	comm_free(listener->accepting);
	if (listener->fd >= 0)
		close(listener->fd);
	free(listener);
	return ncclSuccess;
}

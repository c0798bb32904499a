// SPDX-License-Identifier: BSD-3-Clause
/* One plugin between two ranks: load, connect, register, close. */
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "p2p.h"
#include "worker.h"

static int failed(struct p2p_link *link, const char *call, ncclResult_t result)
{
	return fail(link->failure, "%s of plugin '%s' returned %d (%s); NCCL_DEBUG=INFO tells more",
		    call, link->name, result, result_name(result));
}

static int start(struct p2p_link *link, const char *name)
{
	ncclResult_t result;

	if (net_load(&link->net, name, 0, link->failure))
		return -1;
	result = net_init(&link->net, &link->ctx);
	if (result != ncclSuccess)
		return failed(link, "init", result);
	result = net_call(&link->net, devices, &link->devices);
	if (result != ncclSuccess)
		return failed(link, "devices", result);
	if (link->devices <= 0)
		return fail(link->failure,
			    "plugin '%s' sees no device: is an interface up, and does "
			    "NCCL_SOCKET_IFNAME name it?",
			    link->name);
	return 0;
}

static int start_in_scope(struct p2p_link *link, const struct plugin_spec *plugin)
{
	struct plugin_scope scope;
	int ret;

	plugin_scope_begin(&scope, plugin);
	ret = start(link, plugin->name);
	plugin_scope_end(&scope);
	return ret;
}

static int listen_all(struct p2p_link *link)
{
	for (unsigned int c = 0; c < link->channels; c++) {
		struct p2p_lane *lane = &link->lanes[c];
		ncclResult_t result;

		lane->dev = (int)c % link->devices;
		result = net_call(&link->net, listen, link->ctx, lane->dev, lane->own_handle,
				  &lane->listener);
		if (result != ncclSuccess || !lane->listener)
			return failed(link, "listen", result);
	}
	return 0;
}

static int connect_lane(struct p2p_link *link, struct p2p_lane *lane)
{
	ncclNetDeviceHandle_t *device = NULL;
	ncclResult_t result;

	if (!lane->send_comm) {
		result = net_call(&link->net, connect, link->ctx, lane->dev, lane->peer_handle,
				  &lane->send_comm, &device);
		if (result != ncclSuccess)
			return failed(link, "connect", result);
	}
	device = NULL;
	if (!lane->recv_comm) {
		result = net_call(&link->net, accept, lane->listener, &lane->recv_comm, &device);
		if (result != ncclSuccess)
			return failed(link, "accept", result);
	}
	return lane->send_comm && lane->recv_comm;
}

static int connect_all(struct p2p_link *link)
{
	uint64_t deadline = now_ns() + link->timeout * 1000000000ULL;
	unsigned int there;

	do {
		there = 0;
		for (unsigned int c = 0; c < link->channels; c++) {
			int ret = connect_lane(link, &link->lanes[c]);

			if (ret < 0)
				return -1;
			there += (unsigned int)ret;
		}
		if (now_ns() > deadline)
			return fail(link->failure,
				    "plugin '%s' has %u of %u channels connected after %u s: does "
				    "the network between the ranks work?",
				    link->name, there, link->channels, link->timeout);
		sched_yield();
	} while (there < link->channels);
	return 0;
}

static int add_buffers(struct p2p_link *link)
{
	for (unsigned int c = 0; c < link->channels; c++) {
		struct p2p_lane *lane = &link->lanes[c];

		if (p2p_buffer_add(link, lane->send_comm, &lane->send) ||
		    p2p_buffer_add(link, lane->recv_comm, &lane->recv))
			return -1;
	}
	return 0;
}

/* All in one message: what is measured is the plugin, not MPI. */
static int exchange_handles(struct p2p_link *link)
{
	int bytes = (int)link->channels * NCCL_NET_HANDLE_MAXSIZE;
	char *own = malloc((size_t)bytes), *peer = malloc((size_t)bytes);

	if (!own || !peer) {
		free(own);
		free(peer);
		return fail(link->failure, "out of memory");
	}
	for (unsigned int c = 0; c < link->channels; c++)
		memcpy(own + (size_t)c * NCCL_NET_HANDLE_MAXSIZE, link->lanes[c].own_handle,
		       NCCL_NET_HANDLE_MAXSIZE);
	MPI_Sendrecv(own, bytes, MPI_BYTE, !link->rank, 0, peer, bytes, MPI_BYTE, !link->rank, 0,
		     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	for (unsigned int c = 0; c < link->channels; c++)
		memcpy(link->lanes[c].peer_handle, peer + (size_t)c * NCCL_NET_HANDLE_MAXSIZE,
		       NCCL_NET_HANDLE_MAXSIZE);
	free(own);
	free(peer);
	return 0;
}

int p2p_connect(struct p2p_link *link, const struct plugin_spec *plugin)
{
	uint64_t begin;

	link->name = plugin->text;
	link->lanes = calloc(link->channels, sizeof(*link->lanes));
	if (!link->lanes)
		return fail(link->failure, "out of memory");
	if (start_in_scope(link, plugin))
		return -1;
	MPI_Barrier(MPI_COMM_WORLD);
	begin = now_ns();
	if (listen_all(link) || exchange_handles(link) || connect_all(link))
		return -1;
	link->connected = (double)(now_ns() - begin) / 1e9;
	return 0;
}

int p2p_open(struct p2p_link *link, const struct plugin_spec *plugin)
{
	if (p2p_connect(link, plugin) || p2p_memory_open(link))
		return -1;
	return add_buffers(link);
}

void p2p_close(struct p2p_link *link)
{
	for (unsigned int c = 0; c < link->channels; c++) {
		struct p2p_lane *lane = &link->lanes[c];

		if (lane->send.mem)
			p2p_buffer_free(link, lane->send_comm, &lane->send);
		if (lane->recv.mem)
			p2p_buffer_free(link, lane->recv_comm, &lane->recv);
		net_call(&link->net, closeSend, lane->send_comm);
		net_call(&link->net, closeRecv, lane->recv_comm);
		net_call(&link->net, closeListen, lane->listener);
	}
	if (link->net.ops.finalize && link->net.abi >= 11)
		net_call(&link->net, finalize, link->ctx);
	net_unload(&link->net);
	p2p_memory_close(link);
	free(link->lanes);
}

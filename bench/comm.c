// SPDX-License-Identifier: BSD-3-Clause
/* One communicator: its beginning and end, and the choice of memory for its FIFOs. */
#include "comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const struct comm *comm, const char *call, ncclResult_t result)
{
	return fail(
		comm->failure,
		"%s returned %d (%s): NCCL would go on without this plugin; NCCL_DEBUG=INFO tells more",
		call, result, result_name(result));
}

/* What NCCL asserts or trusts blindly. */
static int check_props(const struct comm *comm)
{
	const ncclNetProperties_v12_t *props = &comm->props;

	if (!props->name || !*props->name)
		return fail(comm->failure, "getProperties left the name of device 0 empty");
	if (props->maxP2pBytes == 0 || props->maxP2pBytes > NCCL_MAX_NET_SIZE_BYTES)
		return fail(comm->failure, "maxP2pBytes of %s is %zu: NCCL takes 1 to %llu",
			    props->name, props->maxP2pBytes, NCCL_MAX_NET_SIZE_BYTES);
	if (props->netDeviceType == NCCL_NET_DEVICE_HOST)
		return 0;
	if (props->netDeviceType != NCCL_NET_DEVICE_UNPACK ||
	    props->netDeviceVersion != NCCL_NET_DEVICE_UNPACK_VERSION)
		return fail(comm->failure,
			    "%s wants NCCL's kernels to do what they cannot: device type %d, version %d",
			    props->name, props->netDeviceType, props->netDeviceVersion);
	return 0;
}

/* As NCCL decides on GPUDirect: the plugin takes device pointers, or dmabufs. Otherwise it is handed host buffers. */
static void choose_memory(struct comm *comm)
{
	bool dmabuf = comm->net->ops.regMrDmaBuf && comm->props.ptrSupport & NCCL_PTR_DMABUF;

	comm->device_fifos = comm->args->memory != DEVMEM_MEM_HOST &&
			     (dmabuf || comm->props.ptrSupport & NCCL_PTR_CUDA);
	comm->by_dmabuf = comm->device_fifos && dmabuf;
}

static int open_exporters(struct comm *comm)
{
	struct devmem_error err;

	if (comm->device_fifos)
		comm->fifo_exporter = comm->exporter;
	else if (devmem_exporter_open(DEVMEM_MEM_HOST, -1, &comm->fifo_exporter, &err))
		return fail(comm->failure, "%s", err.text);
	if (devmem_exporter_cpu_reaches(comm->exporter))
		return 0;
	comm->far = (struct far){ comm->exporter, malloc(fifo_slice_bytes(comm->args->shape)),
				  malloc(fifo_slice_bytes(comm->args->shape)) };
	if (!comm->far.first || !comm->far.second)
		return fail(comm->failure, "out of memory");
	return 0;
}

/* The peers that the collective wants, on every channel. */
static void name_link(const struct comm *comm, struct link *link)
{
	int distance = (int)link->distance;
	bool flush = comm->args->flush == FLUSH_ALWAYS ||
		     (comm->args->flush == FLUSH_AUTO && comm->props.forceFlush);

	link->send_dev = (int)comm->near[((unsigned int)comm->local->rank + link->channel) %
					 comm->n_near];
	link->send.net = link->recv.net = comm->net;
	link->send.rank = link->recv.rank = comm->rank;
	link->send.channel = link->recv.channel = (int)link->channel;
	link->send.peer = (comm->rank + distance) % comm->ranks;
	link->recv.peer = (comm->rank + comm->ranks - distance) % comm->ranks;
	/* There is nothing to flush in host memory. */
	link->recv.flush = flush && comm->device_fifos;
}

static int make_links(struct comm *comm)
{
	unsigned int distances = collective_links(comm->args->collective,
						  (unsigned int)comm->ranks);

	comm->n_links = comm->args->channels * distances;
	comm->links = calloc(comm->n_links, sizeof(*comm->links));
	if (!comm->links)
		return fail(comm->failure, "out of memory");
	for (unsigned int i = 0; i < comm->n_links; i++) {
		comm->links[i].channel = i / distances;
		comm->links[i].distance = i % distances + 1;
		name_link(comm, &comm->links[i]);
	}
	return 0;
}

int comm_init(struct comm *comm)
{
	ncclResult_t result;

	result = net_init(comm->net, &comm->ctx);
	if (result != ncclSuccess)
		return failed(comm, "init", result);
	result = net_call(comm->net, devices, &comm->devices);
	if (result != ncclSuccess)
		return failed(comm, "devices", result);
	if (comm->devices <= 0)
		return fail(
			comm->failure,
			"net plugin %s sees no device: is an interface up, and does the plugin's choice of interfaces take it?",
			comm->net->ops.name);
	memset(&comm->props, 0, sizeof(comm->props));
	result = net_call(comm->net, getProperties, 0, &comm->props);
	if (result != ncclSuccess)
		return failed(comm, "getProperties", result);
	if (check_props(comm))
		return -1;
	snprintf(comm->plugin_name, sizeof(comm->plugin_name), "%s", comm->net->ops.name);
	snprintf(comm->device_name, sizeof(comm->device_name), "%s", comm->props.name);
	choose_memory(comm);
	return comm_find_near(comm) || make_links(comm) ? -1 : open_exporters(comm);
}

int comm_finalize(struct comm *comm)
{
	ncclResult_t result = ncclSuccess;

	/* Not checked for NULL by NCCL either, where the version has it. */
	if (comm->net->abi >= 11)
		result = net_call(comm->net, finalize, comm->ctx);
	for (unsigned int i = 0; i < comm->n_links; i++) {
		devmem_mem_free(comm->links[i].send_mem);
		devmem_mem_free(comm->links[i].recv_mem);
	}
	free(comm->links);
	free(comm->near);
	free(comm->far.first);
	free(comm->far.second);
	if (comm->fifo_exporter != comm->exporter)
		devmem_exporter_close(comm->fifo_exporter);
	return result == ncclSuccess ? 0 : failed(comm, "finalize", result);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The memory of messages: of any kind of device, registered as NCCL registers it, and its way to
 * the CPU. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "far.h"
#include "p2p.h"

static int check_support(struct p2p_link *link)
{
	ncclNetProperties_v12_t props = {0};
	ncclResult_t result;

	if (link->memory == DEVMEM_MEM_HOST)
		return 0;
	result = net_call(&link->net, getProperties, 0, &props);
	if (result != ncclSuccess)
		return fail(link->failure, "getProperties of plugin '%s' returned %d (%s)",
			    link->name, result, result_name(result));
	if (!link->net.ops.regMrDmaBuf || !(props.ptrSupport & NCCL_PTR_DMABUF))
		return fail(link->failure,
			    "plugin '%s' takes no dmabufs, and so no memory of kind %s; "
			    "NCCL_DEBUG=INFO tells why it does not, --memory host does without",
			    link->name, devmem_mem_kind_name(link->memory));
	return 0;
}

int p2p_memory_open(struct p2p_link *link)
{
	struct devmem_error err;

	if (check_support(link))
		return -1;
	if (devmem_exporter_open(link->memory, -1, &link->exporter, &err))
		return fail(link->failure, "%s", err.text);
	if (devmem_exporter_cpu_reaches(link->exporter))
		return 0;
	link->near = malloc(link->slot);
	return link->near ? 0 : fail(link->failure, "out of memory");
}

void p2p_memory_close(struct p2p_link *link)
{
	free(link->near);
	devmem_exporter_close(link->exporter);
}

/* The descriptor that the plugin is given is closed again, as NCCL does: it must keep its own. */
static ncclResult_t register_dmabuf(struct p2p_link *link, void *comm, struct p2p_buffer *buffer)
{
	const struct devmem_mem *mem = buffer->mem;
	int fd = dup(mem->dmabuf_fd);
	ncclResult_t result;

	if (fd < 0)
		return ncclSystemError;
	result = net_call(&link->net, regMrDmaBuf, comm, mem->addr, mem->size, NCCL_PTR_CUDA,
			  mem->dmabuf_offset, fd, &buffer->mr);
	close(fd);
	return result;
}

int p2p_buffer_add(struct p2p_link *link, void *comm, struct p2p_buffer *buffer)
{
	bool host = link->memory == DEVMEM_MEM_HOST;
	struct devmem_error err;
	ncclResult_t result;

	if (devmem_mem_alloc(link->exporter, link->slot * link->depth, &buffer->mem, &err))
		return fail(link->failure, "%s", err.text);
	buffer->data = buffer->mem->addr;
	/* Pages come with the first write, which is to be none of the measured ones. */
	if (devmem_exporter_cpu_reaches(link->exporter))
		memset(buffer->data, 0, buffer->mem->size);
	result = host ? net_call(&link->net, regMr, comm, buffer->data, buffer->mem->size,
				 NCCL_PTR_HOST, &buffer->mr)
		      : register_dmabuf(link, comm, buffer);
	if (result == ncclSuccess)
		return 0;
	return fail(link->failure, "%s of plugin '%s' returned %d (%s); NCCL_DEBUG=INFO tells more",
		    host ? "regMr" : "regMrDmaBuf", link->name, result, result_name(result));
}

void p2p_buffer_free(struct p2p_link *link, void *comm, struct p2p_buffer *buffer)
{
	net_call(&link->net, deregMr, comm, buffer->mr);
	devmem_mem_free(buffer->mem);
}

static int far_move(struct p2p_link *link, void *dst, const void *src, size_t bytes)
{
	const struct devmem_copy piece = {.dst = dst, .src = src, .len = bytes};
	int ret = far_copy(link->exporter, &piece, 1);

	return ret ? fail(link->failure, "copying %zu bytes of %s memory failed: %s", bytes,
			  devmem_mem_kind_name(link->memory), strerror(-ret))
		   : 0;
}

char *p2p_near_read(struct p2p_link *link, char *data, size_t bytes)
{
	if (!link->near)
		return data;
	return far_move(link, link->near, data, bytes) ? NULL : link->near;
}

int p2p_near_written(struct p2p_link *link, char *data, size_t bytes)
{
	return link->near ? far_move(link, data, link->near, bytes) : 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Whose memory a connection is for: that of the CUDA device which the calling thread has chosen, or
 * of the only kind there is. */
#include "memories.h"

#include <errno.h>
#include <string.h>

static struct memory *add(struct memories *memories, int ordinal, struct devmem_exporter *exporter)
{
	struct memory *memory = &memories->list[memories->n++];

	*memory = (struct memory){.ordinal = ordinal, .exporter = exporter};
	return memory;
}

static int open_device(struct memories *memories, struct memory *memory, unsigned int dev,
		       struct devmem_error *err)
{
	if (memory->devices[dev])
		return 0;
	return device_open(&memories->nics[dev], memory->exporter, &memories->options,
			   memories->totals, memories->log, &memory->devices[dev], err);
}

int memories_start(struct memories *memories, struct devmem_exporter *exporter,
		   struct devmem_error *err)
{
	struct memory *first = add(memories, devmem_exporter_ordinal(exporter), exporter);
	int ret = 0;

	for (unsigned int dev = 0; !ret && dev < memories->n_nics; dev++)
		ret = open_device(memories, first, dev, err);
	return ret;
}

/* NCCL gives host memory to a net plugin for a GPU that cannot export its own. */
static int open_exporter(struct memories *memories, int ordinal, struct devmem_exporter **exporter,
			 struct devmem_error *err)
{
	int ret = devmem_exporter_open(DEVMEM_MEM_CUDA, ordinal, exporter, err);

	if (!ret || !memories->host_instead)
		return ret;
	memories->log(LOG_LEVEL_WARN, __func__, __LINE__,
		      "connections for CUDA device %d use host memory: %s", ordinal, err->text);
	return devmem_exporter_open(DEVMEM_MEM_HOST, 0, exporter, err);
}

static int memory_of(struct memories *memories, int ordinal, struct memory **memory,
		     struct devmem_error *err)
{
	struct devmem_exporter *exporter;
	int ret;

	for (unsigned int i = 0; i < memories->n; i++) {
		*memory = &memories->list[i];
		if (memories->list[i].ordinal == ordinal)
			return 0;
	}
	if (memories->n == MEMORIES_MAX)
		return devmem_error_set(
			err, -ENOSPC,
			"CUDA device %d is one more than the %d that one process may "
			"use",
			ordinal, MEMORIES_MAX);
	ret = open_exporter(memories, ordinal, &exporter, err);
	if (!ret)
		*memory = add(memories, ordinal, exporter);
	return ret;
}

int memories_device(struct memories *memories, unsigned int dev, struct device **device,
		    struct devmem_error *err)
{
	struct memory *memory = &memories->list[0];
	int ret = 0;

	if (devmem_exporter_kind(memory->exporter) == DEVMEM_MEM_CUDA) {
		int ordinal = devmem_cuda_current();

		if (ordinal >= 0)
			ret = memory_of(memories, ordinal, &memory, err);
	}
	if (!ret)
		ret = open_device(memories, memory, dev, err);
	*device = ret ? NULL : memory->devices[dev];
	return ret;
}

/* Some address of the device's memory, if there is no better one. */
static int any_address(struct devmem_exporter *exporter, const void **near,
		       struct devmem_error *err)
{
	struct devmem_mem *mem;
	int ret = devmem_mem_alloc(exporter, 1, &mem, err);

	if (ret)
		return ret;
	*near = mem->addr;
	devmem_mem_free(mem);
	return 0;
}

int memories_base(struct memories *memories, const struct conn *conn, uintptr_t *base,
		  struct devmem_error *err)
{
	const void *near = conn->pool ? conn->pool->mem->addr : NULL;
	struct memory *memory = memories->list;
	int ret = 0;

	while (memory->exporter != conn->device->exporter)
		memory++;
	if (!memory->has_base) {
		if (!near)
			ret = any_address(memory->exporter, &near, err);
		if (ret)
			return ret;
		memory->base = unpack_base(near);
		memory->has_base = true;
	}
	*base = memory->base;
	return 0;
}

void memories_end(struct memories *memories)
{
	while (memories->n) {
		struct memory *memory = &memories->list[--memories->n];

		for (unsigned int dev = memories->n_nics; dev--;)
			device_put(memory->devices[dev]);
		devmem_exporter_close(memory->exporter);
	}
	memories->n_nics = 0;
}

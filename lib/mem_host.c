// SPDX-License-Identifier: BSD-3-Clause
/* Ordinary host memory: no dmabuf, so plain TCP only. */
#include "mem_ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int host_alloc(struct devmem_exporter *exporter, struct devmem_mem *mem,
		      struct devmem_error *err)
{
	void *addr = mmap(NULL, mem->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);

	if (addr == MAP_FAILED)
		return devmem_error_set(err, -errno, "cannot map %zu bytes: %s", mem->size,
					strerror(errno));
	mem->addr = addr;
	return 0;
}

static void host_free(struct devmem_exporter *exporter, struct devmem_mem *mem)
{
	munmap(mem->addr, mem->size);
}

static int host_export(struct devmem_exporter *exporter, struct devmem_mem *mem,
		       struct devmem_error *err)
{
	return 0;
}

static void host_close(struct devmem_exporter *exporter)
{
	free(exporter);
}

static const struct devmem_exporter_ops host_ops = {
	.alloc = host_alloc,
	.free = host_free,
	.export_foreign = host_export,
	.copy_start = devmem_cpu_copy_start,
	.copy_done = devmem_cpu_copy_done,
	.close = host_close,
};

int devmem_exporter_open_host(struct devmem_exporter **exporter, struct devmem_error *err)
{
	struct devmem_exporter *new = calloc(1, sizeof(*new));

	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	*new = (struct devmem_exporter){.ops = &host_ops, .kind = DEVMEM_MEM_HOST};
	*exporter = new;
	return 0;
}

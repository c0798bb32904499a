// SPDX-License-Identifier: BSD-3-Clause
/* Stands in for libdevmem.so.0: every kind of memory is the host's, and what lives is counted. */
#include "standin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096

struct devmem_exporter {
	enum devmem_mem_kind kind;
	int ordinal;
};

static unsigned int exporters, memories, stagings, copies;
static int copy_busy;

unsigned int standin_exporters(void)
{
	return __atomic_load_n(&exporters, __ATOMIC_RELAXED);
}

unsigned int standin_memories(void)
{
	return __atomic_load_n(&memories, __ATOMIC_RELAXED);
}

unsigned int standin_stagings(void)
{
	return stagings;
}

unsigned int standin_copies(void)
{
	return copies;
}

int devmem_error_set(struct devmem_error *err, int code, const char *fmt, ...)
{
	if (err) {
		err->code = code;
		strcpy(err->text, fmt);
	}
	return code;
}

int devmem_exporter_open(enum devmem_mem_kind kind, int ordinal, struct devmem_exporter **exporter,
			 struct devmem_error *err)
{
	if (ordinal == STANDIN_NO_DEVICE)
		return devmem_error_set(err, -ENODEV, "no such device: plug it in");
	*exporter = calloc(1, sizeof(**exporter));
	(*exporter)->kind = kind;
	(*exporter)->ordinal = kind == DEVMEM_MEM_CUDA ? ordinal : 0;
	__atomic_add_fetch(&exporters, 1, __ATOMIC_RELAXED);
	return 0;
}

void devmem_exporter_close(struct devmem_exporter *exporter)
{
	__atomic_sub_fetch(&exporters, 1, __ATOMIC_RELAXED);
	free(exporter);
}

int devmem_exporter_ordinal(const struct devmem_exporter *exporter)
{
	return exporter->ordinal;
}

bool devmem_exporter_cpu_reaches(const struct devmem_exporter *exporter)
{
	return exporter->kind == DEVMEM_MEM_HOST || exporter->kind == DEVMEM_MEM_UDMABUF;
}

static struct devmem_mem *mem_new(struct devmem_exporter *exporter, void *addr, size_t size)
{
	struct devmem_mem *mem = calloc(1, sizeof(*mem));

	*mem = (struct devmem_mem){
		.exporter = exporter, .addr = addr, .size = size, .dmabuf_fd = -1};
	__atomic_add_fetch(&memories, 1, __ATOMIC_RELAXED);
	return mem;
}

int devmem_mem_alloc(struct devmem_exporter *exporter, size_t size, struct devmem_mem **mem,
		     struct devmem_error *err)
{
	if (size == 0)
		return devmem_error_set(err, -EINVAL, "cannot allocate 0 bytes");
	size = (size + PAGE - 1) / PAGE * PAGE;
	*mem = mem_new(exporter, aligned_alloc(PAGE, size), size);
	(*mem)->owned = true;
	memset((*mem)->addr, 0, size);
	return 0;
}

int devmem_mem_wrap(struct devmem_exporter *exporter, void *addr, size_t size, int dmabuf_fd,
		    uint64_t dmabuf_offset, struct devmem_mem **mem, struct devmem_error *err)
{
	*mem = mem_new(exporter, addr, size);
	(*mem)->dmabuf_offset = dmabuf_offset;
	return 0;
}

void devmem_mem_free(struct devmem_mem *mem)
{
	if (mem->owned)
		free(mem->addr);
	free(mem);
	__atomic_sub_fetch(&memories, 1, __ATOMIC_RELAXED);
}

void *devmem_staging_alloc(struct devmem_exporter *exporter, size_t size)
{
	stagings++;
	return malloc(size);
}

void devmem_staging_free(struct devmem_exporter *exporter, void *addr)
{
	stagings--;
	free(addr);
}

/* The engine is full at each first try, and each copy takes a while. */
int devmem_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
		      unsigned int n, uint64_t *fence)
{
	copy_busy = !copy_busy;
	if (copy_busy)
		return -EAGAIN;
	for (unsigned int i = 0; i < n; i++)
		memcpy(pieces[i].dst, pieces[i].src, pieces[i].len);
	*fence = 3ULL * ++copies;
	return exporter->ordinal == STANDIN_BROKEN_ENGINE ? -EIO : 0;
}

int devmem_copy_done(struct devmem_exporter *exporter, uint64_t fence)
{
	static int asked;

	if (fence != 3ULL * copies)
		return -EINVAL;
	return ++asked % 3 == 0;
}

void devmem_exporter_trouble(struct devmem_exporter *exporter, struct devmem_error *err)
{
	devmem_error_set(err, -EIO, "the engine is broken: mend it");
}

int devmem_nic_list(const char *filter, int family, struct devmem_nic *nics, unsigned int max,
		    struct devmem_error *err)
{
	if (strcmp(filter, "=none") == 0)
		return 0;
	*nics = (struct devmem_nic){.ifindex = 7, .rx_queues = 8};
	strcpy(nics->name, filter);
	return 1;
}

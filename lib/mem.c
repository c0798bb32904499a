// SPDX-License-Identifier: BSD-3-Clause
/* Device memory of any kind: the calls of devmem.h, handed to the exporter's operations. */
#include "clock.h"
#include "mem_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *devmem_mem_kind_name(enum devmem_mem_kind kind)
{
	static const char *const names[] = {
		[DEVMEM_MEM_HOST] = "host",
		[DEVMEM_MEM_UDMABUF] = "udmabuf",
		[DEVMEM_MEM_DMVRAM] = "dmvram",
		[DEVMEM_MEM_CUDA] = "cuda",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

int devmem_exporter_open(enum devmem_mem_kind kind, int ordinal, struct devmem_exporter **exporter,
			 struct devmem_error *err)
{
	*exporter = NULL;
	switch (kind) {
	case DEVMEM_MEM_HOST:
		return devmem_exporter_open_host(exporter, err);
	case DEVMEM_MEM_UDMABUF:
		return devmem_exporter_open_udmabuf(exporter, err);
	case DEVMEM_MEM_DMVRAM:
		return devmem_exporter_open_dmvram(exporter, err);
	case DEVMEM_MEM_CUDA:
		return devmem_exporter_open_cuda(ordinal, exporter, err);
	}
	return devmem_error_set(err, -EINVAL, "no kind of memory has the number %d", (int)kind);
}

void devmem_exporter_close(struct devmem_exporter *exporter)
{
	if (exporter)
		exporter->ops->close(exporter);
}

enum devmem_mem_kind devmem_exporter_kind(const struct devmem_exporter *exporter)
{
	return exporter->kind;
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

	if (mem)
		*mem = (struct devmem_mem){
			.exporter = exporter, .addr = addr, .size = size, .dmabuf_fd = -1};
	return mem;
}

int devmem_mem_alloc(struct devmem_exporter *exporter, size_t size, struct devmem_mem **mem,
		     struct devmem_error *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct devmem_mem *new;
	int ret;

	*mem = NULL;
	if (size == 0 || size > SIZE_MAX - page)
		return devmem_error_set(err, -EINVAL, "cannot allocate %zu bytes of device memory",
					size);
	new = mem_new(exporter, NULL, (size + page - 1) / page * page);
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	ret = exporter->ops->alloc(exporter, new, err);
	if (ret) {
		free(new);
		return ret;
	}
	new->owned = true;
	*mem = new;
	return 0;
}

/* Memory with a dmabuf of its own, which the caller may close. */
static int take_dmabuf(struct devmem_exporter *exporter, struct devmem_mem *mem, int fd,
		       struct devmem_error *err)
{
	int ret;

	mem->dmabuf_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (mem->dmabuf_fd < 0)
		return devmem_error_set(err, -errno, "cannot duplicate dmabuf fd %d: %s", fd,
					strerror(errno));
	ret = exporter->ops->learn ? exporter->ops->learn(exporter, mem, err) : 0;
	if (ret)
		close(mem->dmabuf_fd);
	return ret;
}

int devmem_mem_wrap(struct devmem_exporter *exporter, void *addr, size_t size, int dmabuf_fd,
		    uint64_t dmabuf_offset, struct devmem_mem **mem, struct devmem_error *err)
{
	struct devmem_mem *new;
	int ret;

	*mem = NULL;
	new = mem_new(exporter, addr, size);
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	if (dmabuf_fd >= 0) {
		new->dmabuf_offset = dmabuf_offset;
		ret = take_dmabuf(exporter, new, dmabuf_fd, err);
	} else {
		ret = exporter->ops->export_foreign(exporter, new, err);
	}
	if (ret) {
		free(new);
		return ret;
	}
	*mem = new;
	return 0;
}

void devmem_mem_free(struct devmem_mem *mem)
{
	if (!mem)
		return;
	if (mem->owned)
		mem->exporter->ops->free(mem->exporter, mem);
	else if (mem->exporter->ops->forget)
		mem->exporter->ops->forget(mem->exporter, mem);
	if (mem->dmabuf_fd >= 0)
		close(mem->dmabuf_fd);
	free(mem);
}

void *devmem_staging_alloc(struct devmem_exporter *exporter, size_t size)
{
	return exporter->ops->staging_alloc ? exporter->ops->staging_alloc(exporter, size)
					    : malloc(size);
}

void devmem_staging_free(struct devmem_exporter *exporter, void *addr)
{
	if (addr && exporter->ops->staging_free)
		exporter->ops->staging_free(exporter, addr);
	else
		free(addr);
}

int devmem_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
		      unsigned int n, uint64_t *fence)
{
	uint64_t begin;
	int ret;

	if (!exporter->copy_ns)
		return exporter->ops->copy_start(exporter, pieces, n, fence);
	begin = clock_own_ns();
	ret = exporter->ops->copy_start(exporter, pieces, n, fence);
	__atomic_fetch_add(exporter->copy_ns, clock_own_ns() - begin, __ATOMIC_RELAXED);
	return ret;
}

int devmem_copy_done(struct devmem_exporter *exporter, uint64_t fence)
{
	return exporter->ops->copy_done(exporter, fence);
}

int devmem_flush(struct devmem_exporter *exporter)
{
	return exporter->ops->flush ? exporter->ops->flush(exporter) : 0;
}

void devmem_exporter_trouble(struct devmem_exporter *exporter, struct devmem_error *err)
{
	*err = (struct devmem_error){0};
	if (exporter->ops->trouble)
		exporter->ops->trouble(exporter, err);
}

int devmem_cpu_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
			  unsigned int n, uint64_t *fence)
{
	for (unsigned int i = 0; i < n; i++)
		memcpy(pieces[i].dst, pieces[i].src, pieces[i].len);
	*fence = 0;
	return 0;
}

int devmem_cpu_copy_done(struct devmem_exporter *exporter, uint64_t fence)
{
	return 1;
}

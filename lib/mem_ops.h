/* SPDX-License-Identifier: BSD-3-Clause */
/* The plug point for kinds of device memory: what an exporter must be able to do. */
#ifndef DEVMEM_MEM_OPS_H
#define DEVMEM_MEM_OPS_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct devmem_exporter_ops {
	/* Allocates @mem->size bytes: sets addr, dmabuf_fd (-1: none) and dmabuf_offset. */
	int (*alloc)(struct devmem_exporter *exporter, struct devmem_mem *mem,
		     struct devmem_error *err);
	void (*free)(struct devmem_exporter *exporter, struct devmem_mem *mem);
	/* Exports foreign memory at mem->addr: sets dmabuf_fd and dmabuf_offset. */
	int (*export_foreign)(struct devmem_exporter *exporter, struct devmem_mem *mem,
			      struct devmem_error *err);
	/*
	 * Foreign memory whose dmabuf_fd and dmabuf_offset are known comes, and foreign memory of
	 * either sort goes. NULL for an exporter whose copy engine takes addresses as they are.
	 */
	int (*learn)(struct devmem_exporter *exporter, struct devmem_mem *mem,
		     struct devmem_error *err);
	void (*forget)(struct devmem_exporter *exporter, struct devmem_mem *mem);
	/* Page-locked host memory, NULL where there is none left; the pair is NULL where malloc
	 * does. */
	void *(*staging_alloc)(struct devmem_exporter *exporter, size_t size);
	void (*staging_free)(struct devmem_exporter *exporter, void *addr);
	int (*copy_start)(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
			  unsigned int n, uint64_t *fence);
	int (*copy_done)(struct devmem_exporter *exporter, uint64_t fence);
	/* NULL where what was received needs no flush to be seen by the device. */
	int (*flush)(struct devmem_exporter *exporter);
	/* NULL where copies cannot fail, or have no more to say than their -errno. */
	void (*trouble)(struct devmem_exporter *exporter, struct devmem_error *err);
	void (*close)(struct devmem_exporter *exporter);
	bool contiguous; /* what it allocates consists of large pieces, as a NIC sees it */
};

/* Embedded first in every exporter. */
struct devmem_exporter {
	const struct devmem_exporter_ops *ops;
	enum devmem_mem_kind kind;
	int ordinal;
	uint64_t *copy_ns; /* takes the CPU nanoseconds that callers spend in starting copies, which
			      is all of a copy where the CPU is the engine; NULL: not measured */
};

int devmem_exporter_open_host(struct devmem_exporter **exporter, struct devmem_error *err);
int devmem_exporter_open_udmabuf(struct devmem_exporter **exporter, struct devmem_error *err);
int devmem_exporter_open_dmvram(struct devmem_exporter **exporter, struct devmem_error *err);
int devmem_exporter_open_cuda(int ordinal, struct devmem_exporter **exporter,
			      struct devmem_error *err);

/* The copy engine of memory that the CPU can reach: memcpy, done at once. Shared by the host and
 * udmabuf kinds. */
int devmem_cpu_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
			  unsigned int n, uint64_t *fence);
int devmem_cpu_copy_done(struct devmem_exporter *exporter, uint64_t fence);

#ifdef __cplusplus
}
#endif

#endif

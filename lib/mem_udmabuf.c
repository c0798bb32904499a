// SPDX-License-Identifier: BSD-3-Clause
/* Host pages exported as a dmabuf by /dev/udmabuf: a device where there is none, with the CPU as
 * its copy engine. */
#include "mem_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct udmabuf_exporter {
	struct devmem_exporter base;
	int device; /* /dev/udmabuf */
};

static struct udmabuf_exporter *udmabuf_of(struct devmem_exporter *exporter)
{
	return (struct udmabuf_exporter *)exporter;
}

/* A memfd that udmabuf takes: it wants F_SEAL_SHRINK, and refuses F_SEAL_WRITE
 * (drivers/dma-buf/udmabuf.c). */
static int sealed_memfd(size_t size, struct devmem_error *err)
{
	int fd = memfd_create("devmem", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (fd < 0)
		return devmem_error_set(err, -errno, "memfd_create: %s", strerror(errno));
	if (ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		int ret = devmem_error_set(err, -errno,
					   "cannot size and seal a memfd of %zu bytes: %s", size,
					   strerror(errno));

		close(fd);
		return ret;
	}
	return fd;
}

static int udmabuf_alloc(struct devmem_exporter *exporter, struct devmem_mem *mem,
			 struct devmem_error *err)
{
	struct udmabuf_create create = {.flags = UDMABUF_FLAGS_CLOEXEC, .size = mem->size};
	int memfd, dmabuf, ret;
	void *addr;

	memfd = sealed_memfd(mem->size, err);
	if (memfd < 0)
		return memfd;
	create.memfd = (unsigned int)memfd;
	dmabuf = ioctl(udmabuf_of(exporter)->device, UDMABUF_CREATE, &create);
	if (dmabuf < 0) {
		ret = devmem_error_set(err, -errno,
				       "udmabuf of %zu bytes refused: %s; its limit is in "
				       "/sys/module/udmabuf/parameters/size_limit_mb (raise it "
				       "with: echo %zu > that file)",
				       mem->size, strerror(errno), (mem->size >> 20) + 1);
		goto close_memfd;
	}
	/* The memfd's mapping shows the same pages as the dmabuf's, without a fault per page
	 * through the exporter. */
	addr = mmap(NULL, mem->size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (addr == MAP_FAILED) {
		ret = devmem_error_set(err, -errno, "cannot map %zu bytes of a udmabuf: %s",
				       mem->size, strerror(errno));
		goto close_dmabuf;
	}
	/* The pages are there already, and a device's memory does not fault when it is first
	 * written to, which in a guest takes far longer than the copy. Older kernels (before 5.14)
	 * refuse: then it does. */
	(void)madvise(addr, mem->size, MADV_POPULATE_WRITE);
	close(memfd);
	mem->addr = addr;
	mem->dmabuf_fd = dmabuf;
	return 0;

close_dmabuf:
	close(dmabuf);
close_memfd:
	close(memfd);
	return ret;
}

static void udmabuf_free(struct devmem_exporter *exporter, struct devmem_mem *mem)
{
	munmap(mem->addr, mem->size);
}

static int udmabuf_export(struct devmem_exporter *exporter, struct devmem_mem *mem,
			  struct devmem_error *err)
{
	return devmem_error_set(
		err, -ENOTSUP,
		"memory at %p has no dmabuf and ordinary pages cannot be exported afterwards: "
		"register it with its dmabuf fd, or as host memory",
		mem->addr);
}

static void udmabuf_close(struct devmem_exporter *exporter)
{
	close(udmabuf_of(exporter)->device);
	free(exporter);
}

static const struct devmem_exporter_ops udmabuf_ops = {
	.alloc = udmabuf_alloc,
	.free = udmabuf_free,
	.export_foreign = udmabuf_export,
	.copy_start = devmem_cpu_copy_start,
	.copy_done = devmem_cpu_copy_done,
	.close = udmabuf_close,
};

int devmem_exporter_open_udmabuf(struct devmem_exporter **exporter, struct devmem_error *err)
{
	struct udmabuf_exporter *new;
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (device < 0)
		return devmem_error_set(err, -ENODEV,
					"/dev/udmabuf: %s; the kernel needs CONFIG_UDMABUF "
					"(modprobe udmabuf) and you need "
					"write permission to the device",
					strerror(errno));
	new = calloc(1, sizeof(*new));
	if (!new) {
		close(device);
		return devmem_error_set(err, -ENOMEM, "out of memory");
	}
	new->base = (struct devmem_exporter){.ops = &udmabuf_ops, .kind = DEVMEM_MEM_UDMABUF};
	new->device = device;
	*exporter = &new->base;
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory of /dev/dmvram, a device made of software (kernel/dmvram): exported as a dmabuf, copied by
 * the device's own engine, and not to be reached by the CPU. An address of it is a range that is
 * reserved and has nothing behind it, as a GPU's is to the CPU.
 */
#include "mem_dmvram_map.h"
#include "mem_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct dmvram_exporter {
	struct devmem_exporter base;
	int device;	       /* /dev/dmvram */
	_Atomic uint64_t done; /* a fence that is done: saves asking about those before it */
	pthread_mutex_t lock;  /* for what follows */
	struct dmvram_map map;
	struct dmvram_piece pieces[DMVRAM_MAX_PIECES]; /* a list on its way to the kernel */
};

static struct dmvram_exporter *dmvram_of(struct devmem_exporter *exporter)
{
	return (struct dmvram_exporter *)exporter;
}

static int map_add(struct dmvram_exporter *dmvram, const struct devmem_mem *mem,
		   struct devmem_error *err)
{
	struct dmvram_range range = {.addr = (uintptr_t)mem->addr,
				     .size = mem->size,
				     .fd = mem->dmabuf_fd,
				     .offset = mem->dmabuf_offset,
				     .owner = mem};
	int ret;

	pthread_mutex_lock(&dmvram->lock);
	ret = dmvram_map_add(&dmvram->map, &range);
	pthread_mutex_unlock(&dmvram->lock);
	return ret ? devmem_error_set(err, ret, "out of memory") : 0;
}

static void dmvram_forget(struct devmem_exporter *exporter, struct devmem_mem *mem)
{
	struct dmvram_exporter *dmvram = dmvram_of(exporter);

	pthread_mutex_lock(&dmvram->lock);
	dmvram_map_remove(&dmvram->map, mem);
	pthread_mutex_unlock(&dmvram->lock);
}

static void dmvram_free(struct devmem_exporter *exporter, struct devmem_mem *mem)
{
	dmvram_forget(exporter, mem);
	munmap(mem->addr, mem->size);
}

static int ask_kernel(struct dmvram_exporter *dmvram, size_t size, struct devmem_error *err)
{
	struct dmvram_alloc alloc = {.size = size};
	struct dmvram_info info = {0};
	int ret;

	if (!ioctl(dmvram->device, DMVRAM_IOC_ALLOC, &alloc))
		return alloc.fd;
	ret = -errno;
	ioctl(dmvram->device, DMVRAM_IOC_INFO, &info);
	return devmem_error_set(err, ret,
				"/dev/dmvram gives no %zu bytes: %s; %llu of its %llu bytes are "
				"free; the module's parameter size_mb makes it larger",
				size, strerror(-ret), info.free, info.size);
}

static int dmvram_alloc(struct devmem_exporter *exporter, struct devmem_mem *mem,
			struct devmem_error *err)
{
	struct dmvram_exporter *dmvram = dmvram_of(exporter);
	int ret;

	mem->addr = mmap(NULL, mem->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	if (mem->addr == MAP_FAILED)
		return devmem_error_set(err, -errno, "cannot reserve %zu bytes of addresses: %s",
					mem->size, strerror(errno));
	ret = ask_kernel(dmvram, mem->size, err);
	if (ret < 0)
		goto unmap;
	mem->dmabuf_fd = ret;
	ret = map_add(dmvram, mem, err);
	if (ret)
		goto close_dmabuf;
	return 0;

close_dmabuf:
	close(mem->dmabuf_fd);
unmap:
	munmap(mem->addr, mem->size);
	return ret;
}

static int dmvram_learn(struct devmem_exporter *exporter, struct devmem_mem *mem,
			struct devmem_error *err)
{
	struct dmvram_exporter *dmvram = dmvram_of(exporter);
	struct dmvram_buffer_info info = {.fd = mem->dmabuf_fd};

	if (ioctl(dmvram->device, DMVRAM_IOC_BUFFER_INFO, &info))
		return devmem_error_set(err, -errno,
					"the dmabuf of the memory at %p is not of /dev/dmvram, as "
					"memory of this kind must be: %s",
					mem->addr, strerror(errno));
	if (mem->dmabuf_offset > info.size || mem->size > info.size - mem->dmabuf_offset)
		return devmem_error_set(err, -ERANGE,
					"%zu bytes at offset %llu go beyond the end of a dmabuf of "
					"%llu bytes",
					mem->size, (unsigned long long)mem->dmabuf_offset,
					info.size);
	return map_add(dmvram, mem, err);
}

static int dmvram_export(struct devmem_exporter *exporter, struct devmem_mem *mem,
			 struct devmem_error *err)
{
	struct dmvram_exporter *dmvram = dmvram_of(exporter);
	const struct dmvram_range *range;
	int ret = -ENOTSUP;

	pthread_mutex_lock(&dmvram->lock);
	range = dmvram_map_find(&dmvram->map, (uintptr_t)mem->addr, mem->size);
	if (range) {
		mem->dmabuf_offset = (uintptr_t)mem->addr - range->addr + range->offset;
		mem->dmabuf_fd = fcntl(range->fd, F_DUPFD_CLOEXEC, 3);
		ret = mem->dmabuf_fd < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&dmvram->lock);
	if (ret == -ENOTSUP)
		return devmem_error_set(err, ret,
					"%zu bytes at %p are no memory that this exporter knows: "
					"register them with their dmabuf fd",
					mem->size, mem->addr);
	if (ret)
		return devmem_error_set(err, ret, "cannot duplicate a dmabuf's fd: %s",
					strerror(-ret));
	ret = map_add(dmvram, mem, err);
	if (ret)
		close(mem->dmabuf_fd);
	return ret;
}

/* Called under the lock. */
static int start_list(struct dmvram_exporter *dmvram, const struct devmem_copy *pieces,
		      unsigned int n, uint64_t *fence)
{
	struct dmvram_copy copy = {.pieces = (uintptr_t)dmvram->pieces, .n = n};

	for (unsigned int i = 0; i < n; i++)
		dmvram->pieces[i] = (struct dmvram_piece){
			.dst = dmvram_map_side(&dmvram->map, pieces[i].dst, pieces[i].len),
			.src = dmvram_map_side(&dmvram->map, pieces[i].src, pieces[i].len),
			.len = pieces[i].len};
	if (ioctl(dmvram->device, DMVRAM_IOC_COPY, &copy))
		return -errno;
	*fence = copy.fence;
	return 0;
}

static int dmvram_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
			     unsigned int n, uint64_t *fence)
{
	struct dmvram_exporter *dmvram = dmvram_of(exporter);
	int ret;

	if (n > DMVRAM_MAX_PIECES)
		return -EINVAL;
	pthread_mutex_lock(&dmvram->lock);
	ret = start_list(dmvram, pieces, n, fence);
	pthread_mutex_unlock(&dmvram->lock);
	return ret;
}

static int dmvram_copy_done(struct devmem_exporter *exporter, uint64_t fence)
{
	struct dmvram_exporter *dmvram = dmvram_of(exporter);
	struct dmvram_wait wait = {.fence = fence};
	int ret;

	if (fence <= atomic_load(&dmvram->done))
		return 1;
	ret = ioctl(dmvram->device, DMVRAM_IOC_WAIT, &wait);
	if (ret < 0)
		return -errno;
	/* Another thread may have stored a later one, which this one replaces: no harm. */
	atomic_store(&dmvram->done, wait.fence);
	return ret;
}

static void dmvram_close(struct devmem_exporter *exporter)
{
	struct dmvram_exporter *dmvram = dmvram_of(exporter);

	close(dmvram->device);
	dmvram_map_free(&dmvram->map);
	pthread_mutex_destroy(&dmvram->lock);
	free(dmvram);
}

static const struct devmem_exporter_ops dmvram_ops = {
	.alloc = dmvram_alloc,
	.free = dmvram_free,
	.export_foreign = dmvram_export,
	.learn = dmvram_learn,
	.forget = dmvram_forget,
	.copy_start = dmvram_copy_start,
	.copy_done = dmvram_copy_done,
	.close = dmvram_close,
	.contiguous = true,
};

int devmem_exporter_open_dmvram(struct devmem_exporter **exporter, struct devmem_error *err)
{
	struct dmvram_exporter *new;
	int device = open("/dev/dmvram", O_RDWR | O_CLOEXEC);

	if (device < 0)
		return devmem_error_set(err, -ENODEV,
					"/dev/dmvram: %s; the module dmvram needs size_mb=N or an "
					"ivshmem device (modprobe dmvram size_mb=256), and you "
					"need write permission to the device",
					strerror(errno));
	new = calloc(1, sizeof(*new));
	if (!new) {
		close(device);
		return devmem_error_set(err, -ENOMEM, "out of memory");
	}
	new->base = (struct devmem_exporter){.ops = &dmvram_ops, .kind = DEVMEM_MEM_DMVRAM};
	new->device = device;
	pthread_mutex_init(&new->lock, NULL);
	*exporter = &new->base;
	return 0;
}

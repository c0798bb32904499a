// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory of one CUDA device: exported as a dmabuf, copied by the device's own engines on a stream
 * of ours. A fence is the number of a batch of copies; an event after each batch tells when it is
 * done.
 */
#include "cuda_driver.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALLOCATION (2u << 20) /* the driver's granularity: an export covers whole allocations */
#define BATCHES 256u	      /* batches of copies under way; a power of two */

struct cuda_exporter {
	struct devmem_exporter base;
	const struct cuda_driver *driver;
	int device;
	void *context;
	bool flush; /* received data is not ordered before what the GPU does next: flush first */
	pthread_mutex_t lock; /* for what follows */
	void *stream;
	void *events[BATCHES]; /* event of batch n at n % BATCHES */
	uint64_t started;      /* batches; fences count from 1, 0 is always done */
	uint64_t done;
	int failed; /* -errno of the engine: a CUDA error of a context does not go away */
};

static struct cuda_exporter *cuda_of(struct devmem_exporter *exporter)
{
	return (struct cuda_exporter *)exporter;
}

static const char *error_text(const struct cuda_driver *driver, int error)
{
	const char *text = NULL;

	return driver->get_error_string(error, &text) == CUDA_OK && text ? text : "unknown error";
}

static int cuda_error(const struct cuda_exporter *cuda, struct devmem_error *err, int code,
		      const char *call, int error)
{
	return devmem_error_set(err, code, "CUDA device %d: %s: %s (%d)", cuda->base.ordinal, call,
				error_text(cuda->driver, error), error);
}

/* Any thread may come in, with any context current or none. */
static int enter(struct cuda_exporter *cuda, struct devmem_error *err)
{
	int error = cuda->driver->ctx_push(cuda->context);

	return error ? cuda_error(cuda, err, -EIO, "cuCtxPushCurrent", error) : 0;
}

static void leave(struct cuda_exporter *cuda)
{
	void *context;

	cuda->driver->ctx_pop(&context);
}

/* Peer-to-peer over PCIe is what a NIC does; where all paths are PCIe anyway the driver may not
 * know the flag. */
static int export_range(struct cuda_exporter *cuda, cuda_ptr addr, size_t size, int *fd,
			struct devmem_error *err)
{
	int error = cuda->driver->get_handle_for_range(fd, addr, size, CUDA_HANDLE_DMA_BUF_FD,
						       CUDA_MAPPING_PCIE);

	if (error)
		error = cuda->driver->get_handle_for_range(fd, addr, size, CUDA_HANDLE_DMA_BUF_FD,
							   0);
	if (error)
		return devmem_error_set(err, -ENOTSUP,
					"CUDA device %d does not export %zu bytes at %#llx as a "
					"dmabuf: %s (%d); it needs "
					"NVIDIA's open kernel modules, and memory of cudaMalloc or "
					"cuMemCreate, not managed memory",
					cuda->base.ordinal, size, addr,
					error_text(cuda->driver, error), error);
	return 0;
}

static int cuda_alloc(struct devmem_exporter *exporter, struct devmem_mem *mem,
		      struct devmem_error *err)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	cuda_ptr addr;
	int ret, error;

	mem->size = (mem->size + ALLOCATION - 1) / ALLOCATION * ALLOCATION;
	ret = enter(cuda, err);
	if (ret)
		return ret;
	error = cuda->driver->mem_alloc(&addr, mem->size);
	if (error) {
		ret = cuda_error(cuda, err, -ENOMEM, "cuMemAlloc", error);
	} else {
		ret = export_range(cuda, addr, mem->size, &mem->dmabuf_fd, err);
		if (ret)
			cuda->driver->mem_free(addr);
		mem->addr = (void *)(uintptr_t)addr;
	}
	leave(cuda);
	return ret;
}

static void cuda_free(struct devmem_exporter *exporter, struct devmem_mem *mem)
{
	struct cuda_exporter *cuda = cuda_of(exporter);

	if (enter(cuda, NULL))
		return;
	cuda->driver->mem_free((cuda_ptr)(uintptr_t)mem->addr);
	leave(cuda);
}

static int cuda_export(struct devmem_exporter *exporter, struct devmem_mem *mem,
		       struct devmem_error *err)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), addr = (uintptr_t)mem->addr;
	uintptr_t start = addr / page * page, end = (addr + mem->size + page - 1) / page * page;
	int ret = enter(cuda, err);

	if (ret)
		return ret;
	ret = export_range(cuda, start, end - start, &mem->dmabuf_fd, err);
	mem->dmabuf_offset = addr - start;
	leave(cuda);
	return ret;
}

/* Called in the context and under the lock: moves done forward over batches whose event has passed.
 */
static int update_done(struct cuda_exporter *cuda)
{
	while (!cuda->failed && cuda->done < cuda->started) {
		int error = cuda->driver->event_query(cuda->events[(cuda->done + 1) % BATCHES]);

		if (error == CUDA_NOT_READY)
			break;
		if (error)
			cuda->failed = -EIO;
		else
			cuda->done++;
	}
	return cuda->failed;
}

static int start_batch(struct cuda_exporter *cuda, const struct devmem_copy *pieces, unsigned int n)
{
	uint64_t batch = cuda->started + 1;
	int error = 0;

	if (cuda->flush)
		error = cuda->driver->flush_writes(CUDA_FLUSH_TARGET_CURRENT, CUDA_FLUSH_TO_OWNER);
	for (unsigned int i = 0; !error && i < n; i++)
		error = cuda->driver->memcpy_async((cuda_ptr)(uintptr_t)pieces[i].dst,
						   (cuda_ptr)(uintptr_t)pieces[i].src,
						   pieces[i].len, cuda->stream);
	if (!error)
		error = cuda->driver->event_record(cuda->events[batch % BATCHES], cuda->stream);
	if (error) {
		cuda->failed = -EIO;
		return cuda->failed;
	}
	cuda->started = batch;
	return 0;
}

static int cuda_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
			   unsigned int n, uint64_t *fence)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	int ret;

	pthread_mutex_lock(&cuda->lock);
	ret = enter(cuda, NULL);
	if (!ret) {
		ret = update_done(cuda);
		if (!ret && cuda->started - cuda->done >= BATCHES)
			ret = -EAGAIN;
		if (!ret)
			ret = start_batch(cuda, pieces, n);
		*fence = cuda->started;
		leave(cuda);
	}
	pthread_mutex_unlock(&cuda->lock);
	return ret;
}

static int cuda_copy_done(struct devmem_exporter *exporter, uint64_t fence)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	int ret = 0;

	pthread_mutex_lock(&cuda->lock);
	if (fence > cuda->done) {
		ret = enter(cuda, NULL);
		if (!ret) {
			ret = update_done(cuda);
			leave(cuda);
		}
	}
	if (!ret)
		ret = fence <= cuda->done;
	pthread_mutex_unlock(&cuda->lock);
	return ret;
}

static void cuda_close(struct devmem_exporter *exporter)
{
	struct cuda_exporter *cuda = cuda_of(exporter);

	if (cuda->context && !enter(cuda, NULL)) {
		for (unsigned int i = 0; i < BATCHES; i++)
			if (cuda->events[i])
				cuda->driver->event_destroy(cuda->events[i]);
		if (cuda->stream)
			cuda->driver->stream_destroy(cuda->stream);
		leave(cuda);
	}
	if (cuda->context)
		cuda->driver->primary_ctx_release(cuda->device);
	pthread_mutex_destroy(&cuda->lock);
	free(cuda);
}

static const struct devmem_exporter_ops cuda_ops = {
	.alloc = cuda_alloc,
	.free = cuda_free,
	.export_foreign = cuda_export,
	.copy_start = cuda_copy_start,
	.copy_done = cuda_copy_done,
	.close = cuda_close,
};

static int choose_device(struct cuda_exporter *cuda, int ordinal, struct devmem_error *err)
{
	int error = cuda->driver->init(0), supported = 0;

	if (error)
		return cuda_error(cuda, err, -ENODEV, "cuInit", error);
	/* Without a context, as in a process that has not chosen a device, the first one. */
	if (ordinal < 0 && cuda->driver->ctx_get_device(&ordinal))
		ordinal = 0;
	cuda->base.ordinal = ordinal;
	error = cuda->driver->device_get(&cuda->device, ordinal);
	if (error)
		return cuda_error(cuda, err, -ENODEV, "cuDeviceGet", error);
	error = cuda->driver->device_get_attribute(&supported, CUDA_ATTRIBUTE_DMA_BUF_SUPPORTED,
						   cuda->device);
	if (error || !supported)
		return devmem_error_set(err, -ENODEV,
					"CUDA device %d has no dmabuf support: it needs NVIDIA's "
					"open kernel modules "
					"(modinfo -F license nvidia must say MIT/GPL)",
					ordinal);
	return 0;
}

/* What a NIC has written must be seen by copies that start afterwards: in order, or by a flush. */
static int choose_flush(struct cuda_exporter *cuda, struct devmem_error *err)
{
	int ordering = 0, options = 0;

	cuda->driver->device_get_attribute(&ordering, CUDA_ATTRIBUTE_WRITES_ORDERING, cuda->device);
	cuda->driver->device_get_attribute(&options, CUDA_ATTRIBUTE_FLUSH_WRITES_OPTIONS,
					   cuda->device);
	cuda->flush = ordering < CUDA_ORDERING_OWNER;
	if (cuda->flush && !(options & CUDA_FLUSH_BY_HOST))
		return devmem_error_set(
			err, -ENODEV,
			"CUDA device %d does not order a NIC's writes and offers no flush "
			"from the host: set NCCL_DEVMEM_MEMORY=host",
			cuda->base.ordinal);
	return 0;
}

static int open_stream(struct cuda_exporter *cuda, struct devmem_error *err)
{
	int ret = enter(cuda, err), error;

	if (ret)
		return ret;
	error = cuda->driver->stream_create(&cuda->stream, CUDA_STREAM_NON_BLOCKING);
	for (unsigned int i = 0; !error && i < BATCHES; i++)
		error = cuda->driver->event_create(&cuda->events[i], CUDA_EVENT_DISABLE_TIMING);
	leave(cuda);
	return error ? cuda_error(cuda, err, -EIO, "creating a stream and its events", error) : 0;
}

int cuda_exporter_open(const struct cuda_driver *driver, int ordinal,
		       struct devmem_exporter **exporter, struct devmem_error *err)
{
	struct cuda_exporter *new = calloc(1, sizeof(*new));
	int ret, error;

	*exporter = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->base = (struct devmem_exporter){.ops = &cuda_ops, .kind = DEVMEM_MEM_CUDA};
	new->driver = driver;
	pthread_mutex_init(&new->lock, NULL);
	ret = choose_device(new, ordinal, err);
	if (!ret) {
		error = driver->primary_ctx_retain(&new->context, new->device);
		if (error) {
			new->context = NULL;
			ret = cuda_error(new, err, -ENODEV, "cuDevicePrimaryCtxRetain", error);
		}
	}
	if (!ret)
		ret = choose_flush(new, err);
	if (!ret)
		ret = open_stream(new, err);
	if (ret) {
		cuda_close(&new->base);
		return ret;
	}
	*exporter = &new->base;
	return 0;
}

int devmem_exporter_open_cuda(int ordinal, struct devmem_exporter **exporter,
			      struct devmem_error *err)
{
	const struct cuda_driver *driver;
	int ret = cuda_driver_load(&driver, err);

	return ret ? ret : cuda_exporter_open(driver, ordinal, exporter, err);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Memory of one CUDA device: allocated or found, exported as a dmabuf, copied by the device's own
 * engines. */
#include "cuda_engine.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ALLOCATION (2u << 20) /* the driver's granularity: an export covers whole allocations */

struct cuda_exporter {
	struct devmem_exporter base;
	const struct cuda_driver *driver;
	int device;
	void *context;
	struct cuda_engine engine;
};

static struct cuda_exporter *cuda_of(struct devmem_exporter *exporter)
{
	return (struct cuda_exporter *)exporter;
}

static int cuda_error(const struct cuda_exporter *cuda, struct devmem_error *err, int code,
		      const char *call, int error)
{
	return devmem_error_set(err, code, "CUDA device %d: %s: %s (%d)", cuda->base.ordinal, call,
				cuda_error_text(cuda->driver, error), error);
}

/*
 * A NIC reaches the memory over PCIe, which the flag asks for where there is another way too
 * (NVLink-C2C). Drivers before CUDA 12.8 do not know the flag, and devices with one way refuse it.
 */
static int export_range(struct cuda_exporter *cuda, cuda_ptr addr, size_t size, int *fd,
			struct devmem_error *err)
{
	const struct cuda_driver *driver = cuda->driver;
	int with_flag, error;

	with_flag = driver->get_handle_for_range(fd, addr, size, CUDA_HANDLE_DMA_BUF_FD,
						 CUDA_MAPPING_PCIE);
	if (!with_flag)
		return 0;
	error = driver->get_handle_for_range(fd, addr, size, CUDA_HANDLE_DMA_BUF_FD, 0);
	if (!error)
		return 0;
	*fd = -1;
	return devmem_error_set(
		err, -ENOTSUP,
		"CUDA device %d does not export %zu bytes at %#llx as a dmabuf: %s "
		"(%d; with the PCIe flag %d); it needs NVIDIA's open kernel modules, "
		"and memory of cudaMalloc or of one cuMemCreate, not managed memory",
		cuda->base.ordinal, size, addr, cuda_error_text(driver, error), error, with_flag);
}

static int cuda_alloc(struct devmem_exporter *exporter, struct devmem_mem *mem,
		      struct devmem_error *err)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	cuda_ptr addr;
	int ret, error;

	mem->size = (mem->size + ALLOCATION - 1) / ALLOCATION * ALLOCATION;
	ret = cuda_enter(&cuda->engine, err);
	if (ret)
		return ret;
	error = cuda->driver->mem_alloc(&addr, mem->size);
	if (error) {
		ret = devmem_error_set(err, -ENOMEM,
				       "CUDA device %d: cuMemAlloc of %zu bytes: %s (%d); "
				       "nvidia-smi shows who holds its memory, NCCL_DEVMEM_POOL_MB "
				       "says how much a NIC's pool takes",
				       cuda->base.ordinal, mem->size,
				       cuda_error_text(cuda->driver, error), error);
	} else {
		ret = export_range(cuda, addr, mem->size, &mem->dmabuf_fd, err);
		if (ret)
			cuda->driver->mem_free(addr);
		mem->addr = (void *)(uintptr_t)addr;
	}
	cuda_leave(&cuda->engine);
	return ret;
}

static void cuda_free(struct devmem_exporter *exporter, struct devmem_mem *mem)
{
	struct cuda_exporter *cuda = cuda_of(exporter);

	cuda_engine_drain(&cuda->engine);
	if (cuda_enter(&cuda->engine, NULL))
		return;
	cuda->driver->mem_free((cuda_ptr)(uintptr_t)mem->addr);
	cuda_leave(&cuda->engine);
}

/* Copies between devices would go by way of the host, unseen: refused instead. */
static int check_owner(const struct cuda_exporter *cuda, const struct devmem_mem *mem,
		       struct devmem_error *err)
{
	cuda_ptr addr = (uintptr_t)mem->addr;
	int owner = -1;
	int error = cuda->driver->pointer_get_attribute(&owner, CUDA_POINTER_DEVICE_ORDINAL, addr);

	if (error)
		return devmem_error_set(
			err, -EINVAL,
			"%#llx is no memory of a CUDA device: %s (%d): register host "
			"memory as such",
			addr, cuda_error_text(cuda->driver, error), error);
	/* Negative: memory that no one device owns. */
	if (owner >= 0 && owner != cuda->base.ordinal)
		return devmem_error_set(
			err, -EINVAL,
			"memory at %#llx is of CUDA device %d, but the connection was "
			"made for device %d: call cudaSetDevice(%d) in the thread that "
			"connects or accepts, or register memory of device %d",
			addr, owner, cuda->base.ordinal, owner, cuda->base.ordinal);
	return 0;
}

static int cuda_learn(struct devmem_exporter *exporter, struct devmem_mem *mem,
		      struct devmem_error *err)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	int ret = cuda_enter(&cuda->engine, err);

	if (ret)
		return ret;
	ret = check_owner(cuda, mem, err);
	cuda_leave(&cuda->engine);
	return ret;
}

static int cuda_export(struct devmem_exporter *exporter, struct devmem_mem *mem,
		       struct devmem_error *err)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), addr = (uintptr_t)mem->addr;
	uintptr_t start = addr / page * page, end = (addr + mem->size + page - 1) / page * page;
	int ret = cuda_enter(&cuda->engine, err);

	if (ret)
		return ret;
	ret = check_owner(cuda, mem, err);
	if (!ret)
		ret = export_range(cuda, start, end - start, &mem->dmabuf_fd, err);
	mem->dmabuf_offset = addr - start;
	cuda_leave(&cuda->engine);
	return ret;
}

/* Nothing may write to memory that its owner has taken back. */
static void cuda_forget(struct devmem_exporter *exporter, struct devmem_mem *mem)
{
	cuda_engine_drain(&cuda_of(exporter)->engine);
}

static void *cuda_staging_alloc(struct devmem_exporter *exporter, size_t size)
{
	struct cuda_exporter *cuda = cuda_of(exporter);
	void *addr = NULL;

	if (cuda_enter(&cuda->engine, NULL))
		return NULL;
	if (cuda->driver->host_alloc(&addr, size, CUDA_HOST_PORTABLE))
		addr = NULL;
	cuda_leave(&cuda->engine);
	return addr;
}

static void cuda_staging_free(struct devmem_exporter *exporter, void *addr)
{
	struct cuda_exporter *cuda = cuda_of(exporter);

	cuda_engine_drain(&cuda->engine);
	if (cuda_enter(&cuda->engine, NULL))
		return;
	cuda->driver->host_free(addr);
	cuda_leave(&cuda->engine);
}

static int cuda_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
			   unsigned int n, uint64_t *fence)
{
	return cuda_engine_start(&cuda_of(exporter)->engine, pieces, n, fence);
}

static int cuda_copy_done(struct devmem_exporter *exporter, uint64_t fence)
{
	return cuda_engine_done(&cuda_of(exporter)->engine, fence);
}

static int cuda_flush(struct devmem_exporter *exporter)
{
	return cuda_engine_flush(&cuda_of(exporter)->engine);
}

static void cuda_trouble(struct devmem_exporter *exporter, struct devmem_error *err)
{
	cuda_engine_trouble(&cuda_of(exporter)->engine, err);
}

static void cuda_close(struct devmem_exporter *exporter)
{
	struct cuda_exporter *cuda = cuda_of(exporter);

	cuda_engine_close(&cuda->engine);
	if (cuda->context)
		cuda->driver->primary_ctx_release(cuda->device);
	free(cuda);
}

static const struct devmem_exporter_ops cuda_ops = {
	.alloc = cuda_alloc,
	.free = cuda_free,
	.export_foreign = cuda_export,
	.learn = cuda_learn,
	.forget = cuda_forget,
	.staging_alloc = cuda_staging_alloc,
	.staging_free = cuda_staging_free,
	.copy_start = cuda_copy_start,
	.copy_done = cuda_copy_done,
	.flush = cuda_flush,
	.trouble = cuda_trouble,
	.close = cuda_close,
	.contiguous = true,
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
static int choose_flush(struct cuda_exporter *cuda, bool *flush, struct devmem_error *err)
{
	int ordering = 0, options = 0;

	cuda->driver->device_get_attribute(&ordering, CUDA_ATTRIBUTE_WRITES_ORDERING, cuda->device);
	cuda->driver->device_get_attribute(&options, CUDA_ATTRIBUTE_FLUSH_WRITES_OPTIONS,
					   cuda->device);
	*flush = ordering < CUDA_ORDERING_OWNER;
	if (*flush && !(options & CUDA_FLUSH_BY_HOST))
		return devmem_error_set(
			err, -ENODEV,
			"CUDA device %d does not order a NIC's writes and offers no flush "
			"from the host: set NCCL_DEVMEM_MEMORY=host",
			cuda->base.ordinal);
	return 0;
}

static int open_engine(struct cuda_exporter *cuda, struct devmem_error *err)
{
	const struct cuda_driver *driver = cuda->driver;
	bool flush = false;
	void *context;
	int ret = choose_flush(cuda, &flush, err), error;

	if (ret)
		return ret;
	error = driver->ctx_push(cuda->context);
	if (error)
		return cuda_error(cuda, err, -ENODEV, "cuCtxPushCurrent", error);
	ret = cuda_engine_open(&cuda->engine, driver, cuda->context, cuda->base.ordinal, flush,
			       err);
	driver->ctx_pop(&context);
	return ret;
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
	ret = choose_device(new, ordinal, err);
	if (!ret) {
		error = driver->primary_ctx_retain(&new->context, new->device);
		if (error) {
			new->context = NULL;
			ret = cuda_error(new, err, -ENODEV, "cuDevicePrimaryCtxRetain", error);
		}
	}
	if (!ret)
		ret = open_engine(new, err);
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

int devmem_cuda_current(void)
{
	const struct cuda_driver *driver;
	int ordinal;

	if (cuda_driver_load(&driver, NULL) || driver->ctx_get_device(&ordinal))
		return -1;
	return ordinal;
}

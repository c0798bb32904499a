// SPDX-License-Identifier: GPL-2.0-only
/* Buffers: pieces of device memory, exported as dma-bufs that have DMA addresses and no pages. */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../dmbus/dmbus.h"
#include "dmvram.h"

#define LOST BIT_ULL(50) /* so far from their memory is what importers of a lost buffer see */
#define PLACE_MAX SZ_2M
#define PART_MAX SZ_1G	 /* bytes of one part that importers see: their lengths have 32 bits */

static int zero(const struct dmvram_buffer *buffer)
{
	const void *page = page_address(ZERO_PAGE(0));
	size_t done;
	int err = 0;

	for (done = 0; !err && done < buffer->size; done += PAGE_SIZE) {
		err = dmbus_write(buffer->start + done, page, PAGE_SIZE);
		cond_resched();
	}
	return err;
}

static void expose(const struct dmvram_buffer *buffer, bool allow)
{
	const struct dmvram_backing *backing = buffer->dev->backing;

	if (buffer->flags & DMVRAM_ALLOC_MMAP && backing->expose)
		backing->expose(buffer->dev, buffer->start, buffer->size, allow);
}

/* As GPUs place theirs, so that what is large consists of large pages. */
static unsigned long place(struct gen_pool *pool, size_t size)
{
	size_t align = min_t(size_t, rounddown_pow_of_two(size), PLACE_MAX);
	struct genpool_data_align data = {.align = align};

	return gen_pool_alloc_algo(pool, size, gen_pool_first_fit_align, &data);
}

static void buffer_free(struct dmvram_buffer *buffer)
{
	struct dmvram_device *dev = buffer->dev;

	gen_pool_free(dev->pool, buffer->start, buffer->size);
	kfree(buffer);
	dmvram_device_put(dev);
}

static struct dmvram_buffer *buffer_new(struct dmvram_device *dev, size_t size, u32 flags)
{
	struct dmvram_buffer *buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	int err = -ENOMEM;

	if (!buffer)
		return ERR_PTR(err);
	*buffer = (struct dmvram_buffer){.dev = dev, .size = size, .flags = flags};
	buffer->start = place(dev->pool, size);
	if (!buffer->start) {
		kfree(buffer);
		return ERR_PTR(err);
	}
	dmvram_device_get(dev);
	err = dev->backing->populate ? dev->backing->populate(dev, buffer->start, size) : 0;
	if (!err)
		err = zero(buffer);
	if (err) {
		buffer_free(buffer);
		return ERR_PTR(err);
	}
	expose(buffer, true);
	return buffer;
}

/* The bus is made of software: what hardware would find at these addresses is another thing. */
static int dmvram_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	return dev_is_pci(attachment->dev) ? -EOPNOTSUPP : 0;
}

static struct sg_table *dmvram_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction direction)
{
	const struct dmvram_buffer *buffer = attachment->dmabuf->priv;
	dma_addr_t start = buffer->start + (buffer->flags & DMVRAM_ALLOC_LOST ? LOST : 0);
	size_t first = buffer->flags & DMVRAM_ALLOC_ODD ? PAGE_SIZE / 2 : 0;
	struct sg_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	size_t done = 0, len;
	struct scatterlist *sg;
	unsigned int i;
	int err;

	if (!table)
		return ERR_PTR(-ENOMEM);
	err = sg_alloc_table(table, !!first + DIV_ROUND_UP(buffer->size - first, PART_MAX),
			     GFP_KERNEL);
	if (err) {
		kfree(table);
		return ERR_PTR(err);
	}
	for (i = 0, sg = table->sgl; i < table->nents; i++, sg = sg_next(sg)) {
		len = i == 0 && first ? first : min_t(size_t, buffer->size - done, PART_MAX);
		sg_dma_address(sg) = start + done;
		sg_dma_len(sg) = len;
		done += len;
	}
	return table;
}

static void dmvram_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
			 enum dma_data_direction direction)
{
	sg_free_table(table);
	kfree(table);
}

static vm_fault_t dmvram_fault(struct vm_fault *fault)
{
	const struct dmvram_buffer *buffer = fault->vma->vm_private_data;
	struct dmvram_device *dev = buffer->dev;
	unsigned long pfn;

	if (fault->pgoff >= buffer->size >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	pfn = dev->backing->pfn(dev, buffer->start + ((dma_addr_t)fault->pgoff << PAGE_SHIFT));
	return vmf_insert_pfn(fault->vma, fault->address, pfn);
}

static const struct vm_operations_struct dmvram_vm_ops = {
	.fault = dmvram_fault,
};

static int dmvram_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct dmvram_buffer *buffer = dmabuf->priv;

	if (!(buffer->flags & DMVRAM_ALLOC_MMAP))
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vma->vm_ops = &dmvram_vm_ops;
	vma->vm_private_data = buffer;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

static void dmvram_dmabuf_release(struct dma_buf *dmabuf)
{
	struct dmvram_buffer *buffer = dmabuf->priv;

	expose(buffer, false);
	buffer_free(buffer);
}

static const struct dma_buf_ops dmvram_dmabuf_ops = {
	.attach = dmvram_attach,
	.map_dma_buf = dmvram_map,
	.unmap_dma_buf = dmvram_unmap,
	.mmap = dmvram_mmap,
	.release = dmvram_dmabuf_release,
};

static struct dma_buf *dmabuf_new(struct dmvram_device *dev, const struct dmvram_alloc *alloc)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dmvram_buffer *buffer;
	struct dma_buf *dmabuf;

	if (!alloc->size || !PAGE_ALIGNED(alloc->size) ||
	    alloc->flags & ~(DMVRAM_ALLOC_MMAP | DMVRAM_ALLOC_ODD | DMVRAM_ALLOC_LOST))
		return ERR_PTR(-EINVAL);
	if (alloc->size > dev->size)
		return ERR_PTR(-ENOMEM);
	buffer = buffer_new(dev, alloc->size, alloc->flags);
	if (IS_ERR(buffer))
		return ERR_CAST(buffer);
	info.exp_name = "dmvram";
	info.ops = &dmvram_dmabuf_ops;
	info.size = buffer->size;
	info.flags = O_RDWR;
	info.priv = buffer;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		expose(buffer, false);
		buffer_free(buffer);
	}
	return dmabuf;
}

int dmvram_alloc(struct dmvram_device *dev, struct dmvram_alloc __user *arg)
{
	struct dmvram_alloc alloc;
	struct dma_buf *dmabuf;

	if (copy_from_user(&alloc, arg, sizeof(alloc)))
		return -EFAULT;
	dmabuf = dmabuf_new(dev, &alloc);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	alloc.fd = get_unused_fd_flags(O_CLOEXEC);
	if (alloc.fd < 0) {
		dma_buf_put(dmabuf);
		return alloc.fd;
	}
	if (copy_to_user(arg, &alloc, sizeof(alloc))) {
		put_unused_fd(alloc.fd);
		dma_buf_put(dmabuf);
		return -EFAULT;
	}
	fd_install(alloc.fd, dmabuf->file);
	return 0;
}

struct dma_buf *dmvram_dmabuf_get(struct dmvram_device *dev, int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	const struct dmvram_buffer *buffer;

	if (IS_ERR(dmabuf))
		return ERR_PTR(-EBADF);
	buffer = dmabuf->ops == &dmvram_dmabuf_ops ? dmabuf->priv : NULL;
	if (buffer && buffer->dev == dev)
		return dmabuf;
	dma_buf_put(dmabuf);
	return ERR_PTR(-EINVAL);
}

int dmvram_buffer_info(struct dmvram_device *dev, struct dmvram_buffer_info __user *arg)
{
	struct dmvram_buffer_info info;
	const struct dmvram_buffer *buffer;
	struct dma_buf *dmabuf;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	dmabuf = dmvram_dmabuf_get(dev, info.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	buffer = dmabuf->priv;
	info.flags = buffer->flags;
	info.size = buffer->size;
	dma_buf_put(dmabuf);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

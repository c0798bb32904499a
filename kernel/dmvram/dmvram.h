/* SPDX-License-Identifier: GPL-2.0-only */
/* dmvram: device memory made of software. The structures that its files share. */
#ifndef _DMVRAM_H
#define _DMVRAM_H

#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/genalloc.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dmvram_uapi.h"

struct dmvram_device;

/* What a device's memory is made of. Addresses are the device's own, on the bus. */
struct dmvram_backing {
	/* Puts memory behind these addresses; called before they are first used. May be NULL. */
	int (*populate)(struct dmvram_device *dev, dma_addr_t start, size_t size);
	/* Allows these pages to the CPU, or forbids them. May be NULL. */
	void (*expose)(struct dmvram_device *dev, dma_addr_t start, size_t size, bool allow);
	unsigned long (*pfn)(struct dmvram_device *dev, dma_addr_t addr);
};

/* One piece of device memory, with its device node and copy engine. */
struct dmvram_device {
	const struct dmvram_backing *backing;
	dma_addr_t base;
	size_t size;
	struct gen_pool *pool;
	struct workqueue_struct *engine;
	u64 copies, copy_bytes, copy_ns; /* written by the engine alone */
	u32 fail_copies;		 /* so many copies more fail, for tests */
	refcount_t users;		 /* open files and buffers, and one for being there */
	struct completion unused;
	struct dentry *debugfs;
	struct miscdevice misc;
	int id;
	char name[16];
};

struct dmvram_buffer {
	struct dmvram_device *dev;
	dma_addr_t start;
	size_t size;
	u32 flags;
};

/* An open file: a stream of copies, one after the other. */
struct dmvram_file {
	struct dmvram_device *dev;
	struct kref ref;   /* the file, and each job */
	struct mutex lock; /* orders submissions */
	u64 started;	   /* fences given; under the lock */
	u64 done;	   /* fences passed; written by the engine */
	int error;	   /* of the first copy that failed; written by the engine */
	bool closed;	   /* nobody is waiting any more */
	wait_queue_head_t wait;
};

/* device.c */
int dmvram_device_add(struct dmvram_device *dev, struct device *parent);
void dmvram_device_remove(struct dmvram_device *dev);
void dmvram_device_get(struct dmvram_device *dev);
void dmvram_device_put(struct dmvram_device *dev);

/* buffer.c */
int dmvram_alloc(struct dmvram_device *dev, struct dmvram_alloc __user *arg);
/* The buffer behind a dmabuf of @dev, with a reference; -EBADF or -EINVAL. */
struct dma_buf *dmvram_dmabuf_get(struct dmvram_device *dev, int fd);
int dmvram_buffer_info(struct dmvram_device *dev, struct dmvram_buffer_info __user *arg);

/* copy.c */
int dmvram_copy(struct dmvram_file *file, struct dmvram_copy __user *arg);
int dmvram_wait(struct dmvram_file *file, struct dmvram_wait __user *arg);
void dmvram_file_put(struct dmvram_file *file);

/* ram.c */
struct dmvram_device *dmvram_ram_create(size_t size);
void dmvram_ram_destroy(struct dmvram_device *dev);

/* pci.c */
#ifdef CONFIG_PCI
int dmvram_pci_init(void);
void dmvram_pci_exit(void);
#else
static inline int dmvram_pci_init(void)
{
	return 0;
}

static inline void dmvram_pci_exit(void)
{
}
#endif

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory made of RAM: at addresses far outside RAM, taken from the kernel in chunks when it
 * is first used and kept. KASAN, where it is on, forbids it to the CPU like memory that is free.
 */
#include <linux/debugfs.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../dmbus/dmbus.h"
#include "dmvram.h"

#define BASE BIT_ULL(40)
#define CHUNK_ORDER 6
#define CHUNK (PAGE_SIZE << CHUNK_ORDER)

struct dmvram_ram {
	struct dmvram_device dev;
	struct mutex lock; /* for the chunks */
	unsigned int n;
	struct page *chunks[] __counted_by(n); /* NULL: not used yet */
};

static struct dmvram_ram *ram_of(struct dmvram_device *dev)
{
	return container_of(dev, struct dmvram_ram, dev);
}

static struct page *ram_page(struct dmvram_device *dev, dma_addr_t addr)
{
	size_t offset = addr - dev->base;

	return ram_of(dev)->chunks[offset / CHUNK] + offset % CHUNK / PAGE_SIZE;
}

/* The kernel does not let modules poison. */
static void set_allowed(struct page *page, bool allow)
{
	if (!IS_BUILTIN(CONFIG_DMVRAM))
		return;
	if (allow)
		kasan_unpoison_pages(page, 0, false);
	else
		kasan_poison_pages(page, 0, false);
}

static void ram_expose(struct dmvram_device *dev, dma_addr_t start, size_t size, bool allow)
{
	dma_addr_t addr;

	for (addr = start; addr < start + size; addr += PAGE_SIZE)
		set_allowed(ram_page(dev, addr), allow);
}

static int add_chunk(struct dmvram_ram *ram, unsigned int i)
{
	dma_addr_t start = ram->dev.base + i * CHUNK;
	struct page *page;
	int err;

	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL, CHUNK_ORDER);
	if (!page)
		return -ENOMEM;
	err = dmbus_add(start, CHUNK, page_address(page));
	if (err) {
		__free_pages(page, CHUNK_ORDER);
		return err;
	}
	ram->chunks[i] = page;
	ram_expose(&ram->dev, start, CHUNK, false);
	return 0;
}

static int ram_populate(struct dmvram_device *dev, dma_addr_t start, size_t size)
{
	struct dmvram_ram *ram = ram_of(dev);
	unsigned int i = (start - dev->base) / CHUNK, last = (start + size - 1 - dev->base) / CHUNK;
	int err = 0;

	mutex_lock(&ram->lock);
	for (; !err && i <= last; i++)
		if (!ram->chunks[i])
			err = add_chunk(ram, i);
	mutex_unlock(&ram->lock);
	return err;
}

static unsigned long ram_pfn(struct dmvram_device *dev, dma_addr_t addr)
{
	return page_to_pfn(ram_page(dev, addr));
}

static const struct dmvram_backing ram_backing = {
	.populate = ram_populate,
	.expose = ram_expose,
	.pfn = ram_pfn,
};

/* Reads a byte as no stack may, for the test that such a read is reported. */
static int touch_get(void *data, u64 *value)
{
	struct dmvram_device *dev = data;
	unsigned long addr = gen_pool_alloc(dev->pool, PAGE_SIZE);
	int err;

	if (!addr)
		return -ENOMEM;
	err = ram_populate(dev, addr, PAGE_SIZE);
	if (!err)
		*value = READ_ONCE(*(const u8 *)page_address(ram_page(dev, addr)));
	gen_pool_free(dev->pool, addr, PAGE_SIZE);
	return err;
}
DEFINE_DEBUGFS_ATTRIBUTE(touch_fops, touch_get, NULL, "%llu\n");

static void ram_free(struct dmvram_ram *ram)
{
	unsigned int i;

	for (i = 0; i < ram->n; i++) {
		if (!ram->chunks[i])
			continue;
		dmbus_remove(ram->dev.base + i * CHUNK);
		ram_expose(&ram->dev, ram->dev.base + i * CHUNK, CHUNK, true);
		__free_pages(ram->chunks[i], CHUNK_ORDER);
	}
	mutex_destroy(&ram->lock);
	kvfree(ram);
}

struct dmvram_device *dmvram_ram_create(size_t size)
{
	unsigned int n = DIV_ROUND_UP(size, CHUNK);
	struct dmvram_ram *ram;
	int err;

	ram = kvzalloc(struct_size(ram, chunks, n), GFP_KERNEL);
	if (!ram)
		return ERR_PTR(-ENOMEM);
	ram->n = n;
	mutex_init(&ram->lock);
	ram->dev.backing = &ram_backing;
	ram->dev.base = BASE;
	ram->dev.size = size;
	err = dmvram_device_add(&ram->dev, NULL);
	if (err) {
		ram_free(ram);
		return ERR_PTR(err);
	}
	debugfs_create_file("touch", 0400, ram->dev.debugfs, &ram->dev, &touch_fops);
	return &ram->dev;
}

void dmvram_ram_destroy(struct dmvram_device *dev)
{
	dmvram_device_remove(dev);
	ram_free(ram_of(dev));
}

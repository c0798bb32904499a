// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus between devices made of software: windows of device memory, and access by DMA address.
 *
 * Memory of a device may be forbidden to the CPU (poisoned for KASAN), so that a stack that touches
 * it is caught. Only what stands for the hardware goes through here, with those checks off.
 */
#include <linux/io.h>
#include <linux/kasan.h>
#include <linux/kasan-checks.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <net/checksum.h>

#include "dmbus.h"

#define STEP SZ_64K /* the most that is moved in one RCU read section */

struct window {
	dma_addr_t start;
	size_t size;
	void *cpu;
};

/* One side of an access: memory of the caller, or an address on the bus where @cpu is NULL. */
struct side {
	void *cpu;
	dma_addr_t addr;
	bool window; /* set by reach() */
};

static struct maple_tree windows = MTREE_INIT(windows, MT_FLAGS_USE_RCU);

int dmbus_add(dma_addr_t start, size_t size, void *cpu)
{
	struct window *window;
	int err;

	if (!size || start + size - 1 < start)
		return -EINVAL;
	window = kmalloc(sizeof(*window), GFP_KERNEL);
	if (!window)
		return -ENOMEM;
	*window = (struct window){.start = start, .size = size, .cpu = cpu};
	err = mtree_insert_range(&windows, start, start + size - 1, window, GFP_KERNEL);
	if (err)
		kfree(window);
	return err;
}
EXPORT_SYMBOL_GPL(dmbus_add);

void dmbus_remove(dma_addr_t start)
{
	struct window *window = mtree_erase(&windows, start);

	synchronize_rcu();
	kfree(window);
}
EXPORT_SYMBOL_GPL(dmbus_remove);

/* Where the CPU finds the byte at @done of @side; *@len shrinks to what is contiguous there. */
static void *reach(struct side *side, size_t done, size_t *len)
{
	dma_addr_t addr = side->addr + done;
	const struct window *window;

	if (side->cpu)
		return side->cpu + done;
	window = mtree_load(&windows, addr);
	side->window = window;
	if (window) {
		*len = min_t(size_t, *len, window->start + window->size - addr);
		return window->cpu + (addr - window->start);
	}
	if (!pfn_valid(PHYS_PFN(addr)))
		return NULL;
	*len = min_t(size_t, *len, PAGE_SIZE - offset_in_page(addr));
	return phys_to_virt(addr);
}

static void move_unchecked(void *to, const void *from, size_t len, size_t done, __wsum *csum)
{
	kasan_disable_current();
	if (csum)
		*csum = csum_block_add(*csum, csum_partial_copy_nocheck(from, to, len), done);
	else
		memcpy(to, from, len);
	kasan_enable_current();
}

/* Moves at most @len bytes at @done and returns how many; 0 when nothing is at an address. */
static size_t move_step(struct side *to, struct side *from, size_t len, size_t done, __wsum *csum)
{
	void *dst, *src;

	rcu_read_lock();
	src = reach(from, done, &len);
	dst = reach(to, done, &len);
	if (!src || !dst) {
		len = 0;
		goto out;
	}
	if (!from->window)
		kasan_check_read(src, len);
	if (!to->window)
		kasan_check_write(dst, len);
	move_unchecked(dst, src, len, done, csum);
out:
	rcu_read_unlock();
	return len;
}

static int move(struct side to, struct side from, size_t len, __wsum *csum)
{
	size_t done, moved;

	for (done = 0; done < len; done += moved) {
		moved = move_step(&to, &from, min_t(size_t, len - done, STEP), done, csum);
		if (!moved)
			return -EFAULT;
	}
	return 0;
}

int dmbus_read(dma_addr_t from, void *to, size_t len)
{
	return move((struct side){.cpu = to}, (struct side){.addr = from}, len, NULL);
}
EXPORT_SYMBOL_GPL(dmbus_read);

int dmbus_write(dma_addr_t to, const void *from, size_t len)
{
	return move((struct side){.addr = to}, (struct side){.cpu = (void *)from}, len, NULL);
}
EXPORT_SYMBOL_GPL(dmbus_write);

int dmbus_copy(dma_addr_t to, dma_addr_t from, size_t len, __wsum *csum)
{
	return move((struct side){.addr = to}, (struct side){.addr = from}, len, csum);
}
EXPORT_SYMBOL_GPL(dmbus_copy);

MODULE_DESCRIPTION("Bus between devices made of software");
MODULE_LICENSE("GPL");

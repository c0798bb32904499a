/* SPDX-License-Identifier: GPL-2.0-only */
/* dmbus: how devices made of software reach memory by DMA address, as hardware does on a bus. */
#ifndef _DMBUS_H
#define _DMBUS_H

#include <linux/types.h>

/*
 * Puts @size bytes of a device's memory, which the CPU finds at @cpu, on the bus at @start.
 * -EEXIST: something is there already. May sleep.
 */
int dmbus_add(dma_addr_t start, size_t size, void *cpu);
/* Takes them away again; nobody reaches them any more when it returns. May sleep. */
void dmbus_remove(dma_addr_t start);

/*
 * Accesses by DMA address: of a window, or of RAM, where it is the physical address since there is
 * no IOMMU on this bus. -EFAULT when nothing is at one of the addresses; bytes before it have been
 * moved then. In any context. The CPU's own checks (KASAN) apply to RAM, not to windows.
 */
int dmbus_read(dma_addr_t from, void *to, size_t len);
int dmbus_write(dma_addr_t to, const void *from, size_t len);
/* @csum (may be NULL): the bytes are added to it, the first as an even one. */
int dmbus_copy(dma_addr_t to, dma_addr_t from, size_t len, __wsum *csum);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Which dmabuf an address of dmvram's memory belongs to: the part that a GPU's driver does itself.
 */
#ifndef DEVMEM_MEM_DMVRAM_MAP_H
#define DEVMEM_MEM_DMVRAM_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "uapi/dmvram_uapi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dmvram_range {
	uintptr_t addr;
	size_t size;
	int fd; /* the dmabuf, not owned */
	uint64_t offset;
	const void *owner; /* key for removal */
};

/* Ranges may overlap; which of those that hold an address is found does not matter. No lock. */
struct dmvram_map {
	struct dmvram_range *ranges;
	size_t n, room;
	size_t last; /* where the last search ended: copies come in runs */
};

/* 0 or -ENOMEM. */
int dmvram_map_add(struct dmvram_map *map, const struct dmvram_range *range);
void dmvram_map_remove(struct dmvram_map *map, const void *owner);
/* The range that holds @size bytes at @addr, NULL when none does. */
const struct dmvram_range *dmvram_map_find(struct dmvram_map *map, uintptr_t addr, size_t size);
/* @addr as one side of a copy: in a dmabuf, or else host memory. */
struct dmvram_side dmvram_map_side(struct dmvram_map *map, const void *addr, size_t size);
void dmvram_map_free(struct dmvram_map *map);

#ifdef __cplusplus
}
#endif

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* Which dmabuf an address of dmvram's memory belongs to: the part that a GPU's driver does itself.
 */
#include "mem_dmvram_map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int dmvram_map_add(struct dmvram_map *map, const struct dmvram_range *range)
{
	if (map->n == map->room) {
		size_t room = map->room ? 2 * map->room : 16;
		struct dmvram_range *more = realloc(map->ranges, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		map->ranges = more;
		map->room = room;
	}
	map->ranges[map->n++] = *range;
	return 0;
}

void dmvram_map_remove(struct dmvram_map *map, const void *owner)
{
	for (size_t i = 0; i < map->n; i++) {
		if (map->ranges[i].owner == owner) {
			map->ranges[i] = map->ranges[--map->n];
			return;
		}
	}
}

static bool holds(const struct dmvram_range *range, uintptr_t addr, size_t size)
{
	return addr >= range->addr && addr - range->addr <= range->size &&
	       size <= range->size - (addr - range->addr);
}

const struct dmvram_range *dmvram_map_find(struct dmvram_map *map, uintptr_t addr, size_t size)
{
	if (map->last < map->n && holds(&map->ranges[map->last], addr, size))
		return &map->ranges[map->last];
	for (size_t i = 0; i < map->n; i++) {
		if (holds(&map->ranges[i], addr, size)) {
			map->last = i;
			return &map->ranges[i];
		}
	}
	return NULL;
}

struct dmvram_side dmvram_map_side(struct dmvram_map *map, const void *addr, size_t size)
{
	const struct dmvram_range *range = dmvram_map_find(map, (uintptr_t)addr, size);

	if (!range)
		return (struct dmvram_side){.addr = (uintptr_t)addr, .fd = -1};
	return (struct dmvram_side){.addr = (uintptr_t)addr - range->addr + range->offset,
				    .fd = range->fd};
}

void dmvram_map_free(struct dmvram_map *map)
{
	free(map->ranges);
}

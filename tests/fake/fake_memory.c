// SPDX-License-Identifier: BSD-3-Clause
/* The stand-in's memory: allocations of memfds, their attributes, their export by /dev/udmabuf. */
#include "cuda_abi.h"
#include "fake_cuda.h"

#include <stdlib.h>
#include <sys/mman.h>

#define ARENA ((size_t)64 << 30) /* of addresses; none is given twice */
#define GRANULE ((size_t)2 << 20)
#define PAGE ((size_t)4096)

enum {
	POINTER_MEMORY_TYPE = 2,
	POINTER_DEVICE_ORDINAL = 9,
	POINTER_RANGE_START = 11,
	POINTER_RANGE_SIZE = 12,
	MEMORY_TYPE_HOST = 1,
	MEMORY_TYPE_DEVICE = 2,
	HANDLE_DMA_BUF_FD = 1,
	MAPPING_PCIE = 1,
};

static uintptr_t arena, arena_used;

bool fake_is_device_address(uintptr_t addr)
{
	return arena && addr >= arena && addr < arena + ARENA;
}

struct fake_alloc *fake_alloc_find(uintptr_t addr)
{
	size_t low = 0, high = fake.n_allocs;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct fake_alloc *alloc = fake.allocs[middle];

		if (addr < alloc->addr)
			high = middle;
		else if (addr >= alloc->addr + alloc->size)
			low = middle + 1;
		else
			return alloc;
	}
	return NULL;
}

struct fake_pinned *fake_pinned_find(uintptr_t addr)
{
	struct fake_pinned *pinned = fake.pinned;

	while (pinned &&
	       (addr < (uintptr_t)pinned->addr || addr >= (uintptr_t)pinned->addr + pinned->size))
		pinned = pinned->next;
	return pinned;
}

static size_t used_by(int device)
{
	size_t bytes = 0;

	for (size_t i = 0; i < fake.n_allocs; i++)
		if (!fake.allocs[i]->freed && fake.allocs[i]->device == device)
			bytes += fake.allocs[i]->size;
	return bytes;
}

/* A hole after each allocation: a copy that runs out of one is found. */
static uintptr_t take_addresses(size_t size)
{
	size_t taken = (size + 2 * GRANULE - 1) / GRANULE * GRANULE;
	uintptr_t addr;

	if (!arena) {
		void *map = mmap(NULL, ARENA, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (map == MAP_FAILED)
			return 0;
		arena = (uintptr_t)map;
		arena_used = (GRANULE - arena % GRANULE) % GRANULE;
	}
	if (taken > ARENA - arena_used)
		return 0;
	addr = arena + arena_used;
	arena_used += taken;
	return addr;
}

static struct fake_alloc *alloc_new(int device, size_t size)
{
	struct fake_alloc **allocs = realloc(fake.allocs,
					     (fake.n_allocs + 1) * sizeof(*fake.allocs));
	struct fake_alloc *new = calloc(1, sizeof(*new));

	if (allocs)
		fake.allocs = allocs;
	if (!allocs || !new) {
		free(new);
		return NULL;
	}
	*new = (struct fake_alloc){.size = size, .device = device};
	new->dmvram = fake.knobs[device][FAKE_DMVRAM];
	if (!fake_backing_open(new)) {
		free(new);
		return NULL;
	}
	new->addr = take_addresses(size);
	if (!new->addr) {
		fake_backing_close(new);
		free(new);
		return NULL;
	}
	allocs[fake.n_allocs++] = new;
	return new;
}

int cuMemAlloc_v2(fake_ptr *addr, size_t size)
{
	struct fake_context *context;
	struct fake_alloc *alloc;
	int result = fake_begin("cuMemAlloc", &context);

	if (result)
		return result;
	if (!size)
		return fake_end(FAKE_INVALID_VALUE);
	size = (size + PAGE - 1) / PAGE * PAGE;
	if (used_by(context->device) + size > (size_t)fake.knobs[context->device][FAKE_MEMORY_MB]
						      << 20)
		return fake_end(FAKE_OUT_OF_MEMORY);
	alloc = alloc_new(context->device, size);
	if (!alloc)
		return fake_end(FAKE_OUT_OF_MEMORY);
	*addr = alloc->addr;
	return fake_end(FAKE_OK);
}

int cuMemFree_v2(fake_ptr addr)
{
	struct fake_context *context;
	struct fake_alloc *alloc;
	int result = fake_begin_bare();

	if (result)
		return result;
	alloc = fake_alloc_find((uintptr_t)addr);
	if (!alloc || alloc->addr != addr)
		fake_misuse("cuMemFree of %#llx, which cuMemAlloc has not given", addr);
	if (alloc->freed)
		fake_misuse("cuMemFree of %#llx, for the second time", addr);
	context = &fake.contexts[alloc->device];
	if (alloc->uses && !context->broken)
		fake_misuse("cuMemFree of %#llx while %u copies use it", addr, alloc->uses);
	alloc->freed = true;
	fake_backing_close(alloc);
	return fake_end(context->broken);
}

int cuMemHostAlloc(void **addr, size_t size, unsigned int flags)
{
	struct fake_context *context;
	struct fake_pinned *new;
	int result = fake_begin("cuMemHostAlloc", &context);

	if (result)
		return result;
	if (fake_turn(context->device, FAKE_FAIL_PIN))
		return fake_end(FAKE_OUT_OF_MEMORY);
	new = calloc(1, sizeof(*new));
	if (new)
		new->addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);
	if (!new || new->addr == MAP_FAILED) {
		free(new);
		return fake_end(FAKE_OUT_OF_MEMORY);
	}
	new->size = size;
	new->device = context->device;
	new->next = fake.pinned;
	fake.pinned = new;
	*addr = new->addr;
	return fake_end(FAKE_OK);
}

int cuMemFreeHost(void *addr)
{
	struct fake_pinned **link = &fake.pinned, *pinned;
	int result = fake_begin_bare();

	if (result)
		return result;
	while (*link && (*link)->addr != addr)
		link = &(*link)->next;
	pinned = *link;
	if (!pinned)
		fake_misuse("cuMemFreeHost of %p, which cuMemHostAlloc has not given", addr);
	if (pinned->uses)
		fake_misuse("cuMemFreeHost of %p while %u copies use it", addr, pinned->uses);
	*link = pinned->next;
	munmap(pinned->addr, pinned->size);
	free(pinned);
	return fake_end(FAKE_OK);
}

static int give_attribute(void *value, int attribute, unsigned int type, int device, uintptr_t addr,
			  size_t size)
{
	switch (attribute) {
	case POINTER_MEMORY_TYPE:
		*(unsigned int *)value = type;
		return FAKE_OK;
	case POINTER_DEVICE_ORDINAL:
		*(int *)value = device;
		return FAKE_OK;
	case POINTER_RANGE_START:
		*(fake_ptr *)value = addr;
		return FAKE_OK;
	case POINTER_RANGE_SIZE:
		*(size_t *)value = size;
		return FAKE_OK;
	}
	return FAKE_INVALID_VALUE;
}

int cuPointerGetAttribute(void *value, int attribute, fake_ptr addr)
{
	const struct fake_alloc *alloc;
	const struct fake_pinned *pinned;
	int result = fake_begin_bare();

	if (result)
		return result;
	alloc = fake_alloc_find((uintptr_t)addr);
	if (alloc && !alloc->freed)
		return fake_end(give_attribute(value, attribute, MEMORY_TYPE_DEVICE, alloc->device,
					       alloc->addr, alloc->size));
	pinned = fake_pinned_find((uintptr_t)addr);
	if (!pinned)
		return fake_end(FAKE_INVALID_VALUE);
	return fake_end(give_attribute(value, attribute, MEMORY_TYPE_HOST, pinned->device,
				       (uintptr_t)pinned->addr, pinned->size));
}

int cuMemGetHandleForAddressRange(void *handle, fake_ptr addr, size_t size, int type,
				  unsigned long long flags)
{
	struct fake_context *context;
	struct fake_alloc *alloc;
	int result = fake_begin("cuMemGetHandleForAddressRange", &context);
	int device;

	if (result)
		return result;
	alloc = fake_alloc_find((uintptr_t)addr);
	if (!alloc || alloc->freed || type != HANDLE_DMA_BUF_FD || flags > MAPPING_PCIE ||
	    addr % PAGE || !size || size % PAGE || size > alloc->addr + alloc->size - addr)
		return fake_end(FAKE_INVALID_VALUE);
	device = alloc->device;
	if (device != context->device)
		fake_misuse("memory of device %d is exported in the context of device %d", device,
			    context->device);
	result = (int)fake.knobs[device][FAKE_EXPORT];
	if (!result && flags)
		result = (int)fake.knobs[device][FAKE_PCIE_FLAG];
	if (!result && !fake.knobs[device][FAKE_DMABUF])
		result = FAKE_NOT_SUPPORTED;
	if (!result) {
		*(int *)handle = fake_backing_export(alloc, addr - alloc->addr, size);
		result = *(int *)handle < 0 ? FAKE_NOT_SUPPORTED : FAKE_OK;
	}
	if (!result) {
		alloc->exported = true;
		fake.counts[device][FAKE_COUNT_EXPORTS]++;
		fake.counts[device][FAKE_COUNT_PCIE_EXPORTS] += flags == MAPPING_PCIE;
	}
	return fake_end(result);
}

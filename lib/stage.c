// SPDX-License-Identifier: BSD-3-Clause
/* Host copies of device memory on their way to a socket, filled ahead. */
#include "stage.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

#include "clock.h"

#define END_WAIT_MS 1000

static uint8_t *buffer(const struct stage *stage, unsigned int slot)
{
	return stage->memory + (size_t)slot * STAGE_BYTES;
}

ssize_t stage_fill(struct stage *stage, const void *addr, size_t len)
{
	unsigned int slot = (stage->first + stage->n) % STAGE_SLOTS;
	struct devmem_copy piece;
	int ret;

	if (stage->n == STAGE_SLOTS)
		return 0;
	if (!stage->memory) {
		void *memory = mmap(NULL, (size_t)STAGE_SLOTS * STAGE_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return -ENOMEM;
		stage->memory = memory;
	}
	len = len < STAGE_BYTES ? len : STAGE_BYTES;
	piece = (struct devmem_copy){buffer(stage, slot), addr, len};
	ret = devmem_copy_start(stage->exporter, &piece, 1, &stage->slots[slot].fence);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	stage->slots[slot].len = len;
	stage->n++;
	return (ssize_t)len;
}

int stage_peek(struct stage *stage, const uint8_t **bytes, size_t *n)
{
	const struct stage_slot *slot = &stage->slots[stage->first];
	int ret;

	if (!stage->n)
		return 0;
	ret = devmem_copy_done(stage->exporter, slot->fence);
	if (ret <= 0)
		return ret;
	*bytes = buffer(stage, stage->first) + stage->taken;
	*n = slot->len - stage->taken;
	return 1;
}

void stage_take(struct stage *stage, size_t n)
{
	stage->taken += n;
	if (stage->taken < stage->slots[stage->first].len)
		return;
	stage->taken = 0;
	stage->first = (stage->first + 1) % STAGE_SLOTS;
	stage->n--;
}

void stage_destroy(struct stage *stage)
{
	int64_t deadline = clock_ms() + END_WAIT_MS;

	if (!stage->memory)
		return;
	while (stage->n) {
		if (devmem_copy_done(stage->exporter, stage->slots[stage->first].fence))
			stage_take(stage, stage->slots[stage->first].len - stage->taken);
		else if (clock_ms() < deadline)
			sched_yield();
		else
			return; /* an engine that hangs may still write there */
	}
	munmap(stage->memory, (size_t)STAGE_SLOTS * STAGE_BYTES);
	stage->memory = NULL;
}

// SPDX-License-Identifier: BSD-3-Clause
/* How NCCL cuts the work of a link into chunks and slices. */
#include "work.h"

#define PART_GRAIN 512	/* bytes; what NCCL's Simple protocol divides work by */

void work_split(struct work *work, unsigned int channel, unsigned int channels)
{
	size_t grain = PART_GRAIN / work->element_size;
	size_t grains = div_up(work->block, grain);
	size_t base = grains / channels, more = grains % channels;
	size_t start = (channel * base + min_size(channel, more)) * grain;
	size_t end = ((channel + 1) * base + min_size(channel + 1, more)) * grain;

	work->first = min_size(start, work->block);
	work->count = min_size(end, work->block) - work->first;
}

size_t work_chunk(const struct work *work)
{
	return fifo_slice_bytes(work->shape) * work->shape->chunk_slices / work->element_size;
}

size_t work_chunks(const struct work *work)
{
	return div_up(work->count, work_chunk(work));
}

size_t work_chunk_at(const struct work *work, size_t index, size_t *first)
{
	size_t start = index * work_chunk(work);

	*first = work->first + start;
	return min_size(work_chunk(work), work->count - start);
}

size_t work_slice(const struct work *work, size_t count)
{
	size_t even = div_up(count, 16 * work->shape->chunk_slices) * 16;
	size_t least = fifo_slice_bytes(work->shape) / work->element_size / 32;

	return even > least ? even : least;
}

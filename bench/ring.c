// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's ring all-reduce as a list of operations. */
#include "ring.h"

#define PART_GRAIN 512	/* bytes; what NCCL's Simple protocol divides work by */

static size_t div_up(size_t a, size_t b)
{
	return (a + b - 1) / b;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

void ring_part(size_t count, size_t element_size, unsigned int channel, unsigned int channels,
	       size_t *first, size_t *part)
{
	size_t grain = PART_GRAIN / element_size;
	size_t grains = div_up(count, grain);
	size_t base = grains / channels, more = grains % channels;
	size_t start = min((channel * base + min(channel, more)) * grain, count);
	size_t end = min(((channel + 1) * base + min(channel + 1, more)) * grain, count);

	*first = start;
	*part = end - start;
}

/* A loop is one turn of every rank's chunk around the ring. */
static size_t loop_elements(const struct ring *ring)
{
	size_t chunk = fifo_slice_bytes(ring->shape) * ring->shape->chunk_slices;

	return ring->ranks * (chunk / ring->element_size);
}

static size_t loops(const struct ring *ring)
{
	return div_up(ring->count, loop_elements(ring));
}

/* First every rank's chunk gathers sums on n - 1 hops, then the sums travel n - 1 hops. */
static size_t loop_ops(const struct ring *ring)
{
	return 2 * (size_t)ring->ranks - 1;
}

size_t ring_ops(const struct ring *ring)
{
	return loops(ring) * loop_ops(ring);
}

size_t ring_steps(const struct ring *ring)
{
	return loops(ring) * (loop_ops(ring) - 1) * ring->shape->chunk_slices *
	       ring->shape->slice_steps;
}

static unsigned int actions(const struct ring *ring, size_t hop)
{
	size_t last = loop_ops(ring) - 1, n = ring->ranks;

	if (hop == 0)
		return RING_SEND;
	if (hop == last)
		return RING_RECV | RING_COPY;
	if (hop < n - 1)
		return RING_RECV | RING_REDUCE | RING_SEND;
	if (hop == n - 1)
		return RING_RECV | RING_REDUCE | RING_COPY | RING_SEND;
	return RING_RECV | RING_COPY | RING_SEND;
}

/* The last loop's chunks are smaller; they still start on 16 bytes. */
static size_t chunk_elements(const struct ring *ring, size_t remaining)
{
	size_t align = 16 / ring->element_size;

	if (remaining >= loop_elements(ring))
		return loop_elements(ring) / ring->ranks;
	return div_up(div_up(remaining, ring->ranks), align) * align;
}

struct ring_op ring_op(const struct ring *ring, size_t index)
{
	size_t hop = index % loop_ops(ring);
	size_t start = index / loop_ops(ring) * loop_elements(ring);
	size_t remaining = ring->count - start;
	size_t chunk = chunk_elements(ring, remaining);
	/* At each hop a rank works on the chunk that its predecessor worked on one hop earlier. */
	size_t number = (ring->rank + 2 * (size_t)ring->ranks - 1 - hop) % ring->ranks;
	size_t offset = min(number * chunk, min(remaining, loop_elements(ring)));

	return (struct ring_op){
		.actions = actions(ring, hop),
		.first = ring->first + start + offset,
		.count = min(chunk, min(remaining, loop_elements(ring)) - offset),
	};
}

size_t ring_slice(const struct ring *ring, size_t count)
{
	size_t even = div_up(count, 16 * ring->shape->chunk_slices) * 16;
	size_t least = fifo_slice_bytes(ring->shape) / ring->element_size / 32;

	return even > least ? even : least;
}

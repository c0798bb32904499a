// SPDX-License-Identifier: BSD-3-Clause
/* The user's buffers of one rank: their memory, their data and the check of results. */
#include "buffers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "far.h"

#define POISON 0xa5

int buffers_open(struct buffers *buffers)
{
	size_t size = buffers->args->max_bytes + RESULT_GUARD;
	struct devmem_error err;

	if (devmem_exporter_open(buffers->args->memory, buffers->gpu, &buffers->exporter, &err) ||
	    devmem_mem_alloc(buffers->exporter, size, &buffers->src, &err) ||
	    devmem_mem_alloc(buffers->exporter, size, &buffers->dst, &err))
		return fail(buffers->failure, "%s", err.text);
	if (!devmem_exporter_cpu_reaches(buffers->exporter) && !(buffers->shadow = malloc(size)))
		return fail(buffers->failure, "out of memory");
	return 0;
}

void buffers_close(struct buffers *buffers)
{
	devmem_mem_free(buffers->src);
	devmem_mem_free(buffers->dst);
	free(buffers->shadow);
	devmem_exporter_close(buffers->exporter);
}

static unsigned int src_blocks(const struct buffers *buffers)
{
	return collective_src_blocks(buffers->args->collective, buffers->ranks);
}

static unsigned int dst_blocks(const struct buffers *buffers)
{
	return collective_dst_blocks(buffers->args->collective, buffers->ranks);
}

/* Bytes of the larger buffer for each element of a block. */
static size_t row_bytes(const struct buffers *buffers)
{
	return buffers->args->element->size *
	       collective_blocks(buffers->args->collective, buffers->ranks);
}

size_t buffers_block(const struct buffers *buffers, uint64_t bytes)
{
	return bytes / row_bytes(buffers);
}

uint64_t buffers_bytes(const struct buffers *buffers, size_t block)
{
	return block * row_bytes(buffers);
}

static size_t result_bytes(const struct buffers *buffers, size_t block)
{
	return block * dst_blocks(buffers) * buffers->args->element->size;
}

/* Where the CPU reads and writes a user's buffer: there, or in its shadow. */
static void *view(const struct buffers *buffers, const struct devmem_mem *mem)
{
	return buffers->shadow ? buffers->shadow : mem->addr;
}

/* Copies the shadow to the buffer, or the other way; nothing to do where there is none. */
static int copy_shadow(struct buffers *buffers, struct devmem_copy piece)
{
	int ret = buffers->shadow ? far_copy(buffers->exporter, &piece, 1) : 0;

	if (ret)
		return fail(buffers->failure, "copying %zu bytes of device memory: %s", piece.len,
			    strerror(-ret));
	return 0;
}

/* In place a rank's block, of data or of the result, is that of the larger buffer. */
static size_t src_offset(const struct buffers *buffers, size_t block)
{
	bool own_block = buffers->in_place && src_blocks(buffers) < dst_blocks(buffers);

	return own_block ? buffers->rank * block * buffers->args->element->size : 0;
}

static size_t dst_offset(const struct buffers *buffers, size_t block)
{
	bool own_block = buffers->in_place && dst_blocks(buffers) < src_blocks(buffers);

	return own_block ? buffers->rank * block * buffers->args->element->size : 0;
}

static struct devmem_mem *src_mem(const struct buffers *buffers)
{
	return buffers->in_place ? buffers->dst : buffers->src;
}

void *buffers_src(const struct buffers *buffers, size_t block)
{
	return (uint8_t *)src_mem(buffers)->addr + src_offset(buffers, block);
}

void *buffers_dst(const struct buffers *buffers, size_t block)
{
	return (uint8_t *)buffers->dst->addr + dst_offset(buffers, block);
}

/* Of the buffer that has the result. */
static size_t dst_bytes(const struct buffers *buffers, size_t block)
{
	return buffers->in_place ? buffers_bytes(buffers, block) : result_bytes(buffers, block);
}

static int fill_src(struct buffers *buffers, size_t block)
{
	const struct element *element = buffers->args->element;
	size_t count = block * src_blocks(buffers), offset = src_offset(buffers, block);
	struct devmem_mem *mem = src_mem(buffers);
	uint8_t *near = view(buffers, mem);

	buffers->round++;
	element->fill(near + offset, count, buffers->rank, buffers->round);
	return copy_shadow(buffers, (struct devmem_copy){ (uint8_t *)mem->addr + offset, near + offset,
							  count * element->size });
}

static int poison_dst(struct buffers *buffers, size_t block)
{
	size_t bytes = dst_bytes(buffers, block) + RESULT_GUARD;
	void *near = view(buffers, buffers->dst);

	memset(near, POISON, bytes);
	return copy_shadow(buffers, (struct devmem_copy){ buffers->dst->addr, near, bytes });
}

int buffers_fill(struct buffers *buffers, size_t block)
{
	return poison_dst(buffers, block) || fill_src(buffers, block) ? -1 : 0;
}

/* Elements of the result that the CPU sees. */
static size_t wrong_elements(struct buffers *buffers, size_t block)
{
	const struct collective *collective = buffers->args->collective;
	const struct element *element = buffers->args->element;
	unsigned int ranks = buffers->ranks, root = buffers->args->root;
	unsigned int rank = collective_from_root(buffers->rank, ranks, root);
	const uint8_t *result = (const uint8_t *)view(buffers, buffers->dst) + dst_offset(buffers, block);
	size_t wrong = 0;

	for (unsigned int b = 0; b < dst_blocks(buffers); b++) {
		struct origin origin = collective->origin(rank, ranks, block, b);
		size_t first = 0, n;

		origin.rank = collective_rank_of(origin.rank, ranks, root);
		n = element->wrong(result + b * block * element->size, block, &origin,
				   buffers->round, &first);
		if (n)
			fprintf(stderr,
				"%s: rank %u: %zu of %zu elements are wrong, the first is element %zu\n",
				collective->name, buffers->rank, n, block, b * block + first);
		wrong += n;
	}
	return wrong;
}

static uint64_t wrong_guard(struct buffers *buffers, size_t block)
{
	size_t bytes = dst_bytes(buffers, block);
	const uint8_t *guard = (const uint8_t *)view(buffers, buffers->dst) + bytes;
	uint64_t beyond = 0;

	for (size_t i = 0; i < RESULT_GUARD; i++)
		beyond += guard[i] != POISON;
	if (beyond)
		fprintf(stderr,
			"%s: rank %u: %" PRIu64
			" bytes after the buffer of %zu bytes were overwritten\n",
			buffers->args->collective->name, buffers->rank, beyond, bytes);
	return beyond;
}

int buffers_check(struct buffers *buffers, size_t block, uint64_t *wrong)
{
	size_t bytes = dst_bytes(buffers, block) + RESULT_GUARD;

	if (copy_shadow(buffers, (struct devmem_copy){ buffers->shadow, buffers->dst->addr, bytes }))
		return -1;
	*wrong = wrong_elements(buffers, block) + wrong_guard(buffers, block);
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The list of collective operations, and what follows from their descriptions. */
#include "collective.h"

#include <string.h>

static const struct collective *const collectives[] = {
	&allreduce, &allgather, &reducescatter, &broadcast, &sendrecv, &alltoall,
};

const struct collective *collective_find(const char *name)
{
	for (size_t i = 0; i < sizeof(collectives) / sizeof(collectives[0]); i++)
		if (strcmp(collectives[i]->name, name) == 0)
			return collectives[i];
	return NULL;
}

unsigned int collective_from_root(unsigned int rank, unsigned int ranks, unsigned int root)
{
	return (rank + ranks - root) % ranks;
}

unsigned int collective_rank_of(unsigned int rank, unsigned int ranks, unsigned int root)
{
	return (rank + root) % ranks;
}

unsigned int collective_src_blocks(const struct collective *collective, unsigned int ranks)
{
	return collective->src_blocks ? ranks : 1;
}

unsigned int collective_dst_blocks(const struct collective *collective, unsigned int ranks)
{
	return collective->dst_blocks ? ranks : 1;
}

unsigned int collective_blocks(const struct collective *collective, unsigned int ranks)
{
	return collective->src_blocks || collective->dst_blocks ? ranks : 1;
}

unsigned int collective_links(const struct collective *collective, unsigned int ranks)
{
	return collective->all_pairs ? ranks - 1 : 1;
}

size_t collective_steps(const struct collective *collective, const struct work *work,
			enum op_action action)
{
	size_t ops = collective->ops(work), chunks = 0;

	for (size_t i = 0; i < ops; i++)
		if (collective->op(work, i).actions & action)
			chunks++;
	return chunks * work->shape->chunk_slices * work->shape->slice_steps;
}

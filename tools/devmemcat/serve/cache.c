// SPDX-License-Identifier: BSD-3-Clause
/* Blocks of files in the memory of one exporter: which there are, who uses them, which go. */
#include "cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PLACES 1024

static int make_stages(struct cache *cache, struct devmem_error *err)
{
	if (devmem_exporter_cpu_reaches(cache->exporter))
		return 0;
	for (; cache->n_stages < CACHE_STAGES; cache->n_stages++) {
		uint8_t *bytes = devmem_staging_alloc(cache->exporter, CACHE_BLOCK);

		if (!bytes)
			return devmem_error_set(err, -ENOMEM, "out of memory for staging");
		cache->stages[cache->n_stages].bytes = bytes;
	}
	return 0;
}

static int make_blocks(struct cache *cache, uint64_t bytes, struct devmem_error *err)
{
	cache->n = (unsigned int)(bytes / CACHE_BLOCK);
	cache->places = cache->n / 2 < MAX_PLACES ? cache->n / 2 : MAX_PLACES;
	cache->pot = cache->n - cache->places;
	for (cache->n_chains = 1; cache->n_chains < cache->n;)
		cache->n_chains *= 2;
	cache->blocks = calloc(cache->n, sizeof(cache->blocks[0]));
	cache->chains = calloc(cache->n_chains, sizeof(cache->chains[0]));
	if (!cache->blocks || !cache->chains)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < cache->n; i++)
		TAILQ_INSERT_TAIL(&cache->idle, &cache->blocks[i], entry);
	return 0;
}

int cache_open(struct cache *cache, struct devmem_exporter *exporter, uint64_t bytes,
	       struct files *files, struct devmem_error *err)
{
	int ret;

	*cache = (struct cache){.exporter = exporter, .files = files};
	TAILQ_INIT(&cache->idle);
	TAILQ_INIT(&cache->wanted);
	ret = devmem_mem_alloc(exporter, bytes, &cache->mem, err);
	if (!ret)
		ret = make_blocks(cache, bytes, err);
	if (!ret)
		ret = make_stages(cache, err);
	if (ret)
		cache_close(cache);
	return ret;
}

/* The engine must be done with memory before it is freed. */
static void finish_copies(struct cache *cache)
{
	for (unsigned int i = 0; i < cache->n_stages; i++) {
		struct cache_stage *stage = &cache->stages[i];

		while (stage->block && stage->block->state == BLOCK_COPYING &&
		       !devmem_copy_done(cache->exporter, stage->fence))
			;
	}
}

void cache_close(struct cache *cache)
{
	finish_copies(cache);
	for (unsigned int i = 0; cache->blocks && i < cache->n; i++)
		if (cache->blocks[i].file)
			cache_drop(cache, &cache->blocks[i]);
	for (unsigned int i = 0; i < cache->n_stages; i++)
		devmem_staging_free(cache->exporter, cache->stages[i].bytes);
	devmem_mem_free(cache->mem);
	free(cache->blocks);
	free(cache->chains);
	*cache = (struct cache){0};
}

size_t cache_offset(const struct cache *cache, const struct cache_block *block)
{
	return (size_t)(block - cache->blocks) * CACHE_BLOCK;
}

static struct cache_block **chain_of(struct cache *cache, const struct file *file, uint64_t index)
{
	uint64_t mixed = ((uintptr_t)file / sizeof(*file) + index) * UINT64_C(0x9e3779b97f4a7c15);

	return &cache->chains[(mixed >> 32) & (cache->n_chains - 1)];
}

static struct cache_block *find(struct cache *cache, const struct file *file, uint64_t index)
{
	struct cache_block *block = *chain_of(cache, file, index);

	while (block && (block->file != file || block->index != index))
		block = block->chain;
	return block;
}

void cache_drop(struct cache *cache, struct cache_block *block)
{
	struct cache_block **link = chain_of(cache, block->file, block->index);
	struct file *file = block->file;

	while (*link != block)
		link = &(*link)->chain;
	*link = block->chain;
	block->file = NULL;
	file->blocks--;
	if (block->state == BLOCK_WANTED)
		file_put(cache->files, file);
	else if (!file->users && !file->blocks)
		file_put(cache->files, file);
}

/* Gives the longest unused block to these bytes. */
static struct cache_block *replace(struct cache *cache, struct file *file, uint64_t index)
{
	struct cache_block *block = TAILQ_FIRST(&cache->idle), **chain;
	uint64_t left = file->size - index * CACHE_BLOCK;

	if (!block)
		return NULL;
	if (block->file) {
		cache->evicted++;
		cache_drop(cache, block);
	}
	cache->misses++;
	chain = chain_of(cache, file, index);
	block->state = BLOCK_WANTED;
	block->file = file;
	block->index = index;
	block->len = left < CACHE_BLOCK ? (size_t)left : CACHE_BLOCK;
	block->read = block->tries = 0;
	block->chain = *chain;
	*chain = block;
	file->blocks++;
	file->users++; /* its descriptor is needed */
	TAILQ_REMOVE(&cache->idle, block, entry);
	TAILQ_INSERT_TAIL(&cache->wanted, block, entry);
	return block;
}

static bool has_room(const struct cache *cache, unsigned int held)
{
	return !held || held <= cache->pot - cache->pot_used;
}

struct cache_block *cache_take(struct cache *cache, struct file *file, uint64_t index,
			       unsigned int held)
{
	struct cache_block *block;

	if (!has_room(cache, held))
		return NULL;
	block = find(cache, file, index);
	if (block) {
		cache->hits++;
		if (!block->users && block->state == BLOCK_READY)
			TAILQ_REMOVE(&cache->idle, block, entry);
	} else {
		block = replace(cache, file, index);
	}
	if (!block)
		return NULL;
	block->users++;
	cache->pot_used += held > 0;
	return block;
}

/* Where the block waits for its next use: of a file that is larger than the cache, it is the first
 * to be taken, or that file would drive out all others. */
static void rest(struct cache *cache, struct cache_block *block)
{
	if (block->state == BLOCK_READY && block->file->size <= cache->n * (uint64_t)CACHE_BLOCK) {
		TAILQ_INSERT_TAIL(&cache->idle, block, entry);
		return;
	}
	if (block->state != BLOCK_READY)
		block->state = BLOCK_FREE;
	TAILQ_INSERT_HEAD(&cache->idle, block, entry);
}

void cache_settle(struct cache *cache, struct cache_block *block, int error)
{
	struct file *file = block->file;

	cache->changes++;
	block->error = error;
	if (block->stage)
		block->stage->block = NULL;
	block->stage = NULL;
	if (block->state == BLOCK_WANTED)
		TAILQ_REMOVE(&cache->wanted, block, entry);
	if (error) {
		cache_drop(cache, block);
		block->state = BLOCK_FAILED;
	} else {
		if (block->state == BLOCK_WANTED)
			file_put(cache->files, file);
		block->state = BLOCK_READY;
	}
	if (!block->users)
		rest(cache, block);
}

void cache_give(struct cache *cache, struct cache_block *block, unsigned int held)
{
	cache->changes++;
	cache->pot_used -= held > 1;
	if (--block->users)
		return;
	if (block->state == BLOCK_WANTED)
		cache_settle(cache, block, -ECANCELED);
	else if (block->state != BLOCK_COPYING)
		rest(cache, block);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * From files into blocks: read to host memory, then moved to the device by its copy engine.
 *
 * What is not in the page cache is asked for and looked at again later, so that a disk holds up
 * only those who wait for it.
 */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

#define READS 32 /* of one step */
#define PATIENCE \
	1000 /* looks at the page cache; then the read may wait, so that it comes to an end */

static struct cache_stage *free_stage(struct cache *cache)
{
	for (unsigned int i = 0; i < cache->n_stages; i++)
		if (!cache->stages[i].block)
			return &cache->stages[i];
	return NULL;
}

/* Host memory for the block's bytes; NULL: none now. */
static uint8_t *host_memory(struct cache *cache, struct cache_block *block)
{
	if (!cache->n_stages)
		return (uint8_t *)cache->mem->addr + cache_offset(cache, block);
	if (!block->stage) {
		block->stage = free_stage(cache);
		if (!block->stage)
			return NULL;
		block->stage->block = block;
	}
	return block->stage->bytes;
}

static ssize_t read_some(const struct cache_block *block, uint8_t *bytes, bool may_wait)
{
	struct iovec piece = {bytes + block->read, block->len - block->read};
	off_t at = (off_t)(block->index * CACHE_BLOCK + block->read);
	ssize_t n = preadv2(block->file->fd, &piece, 1, at, may_wait ? 0 : RWF_NOWAIT);

	if (n < 0 && errno == EOPNOTSUPP) /* not this file system */
		n = preadv2(block->file->fd, &piece, 1, at, 0);
	return n < 0 ? -errno : n;
}

static void ask_for(const struct cache_block *block)
{
	(void)posix_fadvise(block->file->fd, (off_t)(block->index * CACHE_BLOCK), (off_t)block->len,
			    POSIX_FADV_WILLNEED);
}

/* 1: all is read; 0: later; -errno. */
static int read_block(struct cache *cache, struct cache_block *block)
{
	uint8_t *bytes = host_memory(cache, block);
	ssize_t n;

	if (!bytes)
		return 0;
	while (block->read < block->len) {
		n = read_some(block, bytes, block->tries >= PATIENCE);
		if (n == -EAGAIN || n == -EINTR) {
			if (!block->tries++)
				ask_for(block);
			return 0;
		}
		if (n < 0)
			return (int)n;
		if (!n)
			return -ESTALE;
		block->read += (size_t)n;
	}
	/* What was read belongs to the state of the file that the client was told of. */
	return file_is_unchanged(block->file) ? 1 : -ESTALE;
}

/* Hands a block that is read to the copy engine. 1, 0 when that is full, -errno. */
static int start_copy(struct cache *cache, struct cache_block *block)
{
	struct cache_stage *stage = block->stage;
	struct devmem_copy piece = {.dst = (uint8_t *)cache->mem->addr + cache_offset(cache, block),
				    .src = stage->bytes,
				    .len = block->len};
	int ret = devmem_copy_start(cache->exporter, &piece, 1, &stage->fence);

	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	TAILQ_REMOVE(&cache->wanted, block, entry);
	block->state = BLOCK_COPYING;
	file_put(cache->files, block->file);
	return 1;
}

/* True when the block moved on. */
static bool fill(struct cache *cache, struct cache_block *block)
{
	int ret = read_block(cache, block);

	if (ret > 0 && cache->n_stages)
		ret = start_copy(cache, block);
	else if (ret > 0)
		cache_settle(cache, block, 0);
	if (ret < 0)
		cache_settle(cache, block, ret);
	return ret;
}

static bool fill_wanted(struct cache *cache)
{
	struct cache_block *block = TAILQ_FIRST(&cache->wanted), *next;
	bool moved = false;

	for (int i = 0; block && i < READS; block = next, i++) {
		next = TAILQ_NEXT(block, entry);
		moved |= fill(cache, block);
	}
	return moved;
}

static bool finish_copies(struct cache *cache)
{
	bool moved = false;

	for (unsigned int i = 0; i < cache->n_stages; i++) {
		struct cache_stage *stage = &cache->stages[i];
		int done;

		if (!stage->block || stage->block->state != BLOCK_COPYING)
			continue;
		done = devmem_copy_done(cache->exporter, stage->fence);
		if (done)
			cache_settle(cache, stage->block, done < 0 ? done : 0);
		moved |= done != 0;
	}
	return moved;
}

bool cache_step(struct cache *cache)
{
	bool copied = finish_copies(cache);

	return fill_wanted(cache) || copied;
}

bool cache_busy(const struct cache *cache)
{
	if (!TAILQ_EMPTY(&cache->wanted))
		return true;
	for (unsigned int i = 0; i < cache->n_stages; i++)
		if (cache->stages[i].block)
			return true;
	return false;
}

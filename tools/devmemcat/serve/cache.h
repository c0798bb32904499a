/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks of files in the memory of one exporter, least recently used out.
 *
 * A block has a use for each request that waits for it, sends from it, or has sent from it and has
 * no acknowledgement yet. Only blocks without a use are given to other bytes.
 *
 * So that clients that take nothing cannot hold all blocks, each client has one for sure and the
 * rest is a pot: whoever takes more than one may have as many of the pot as are left in it.
 */
#ifndef DEVMEMCAT_SERVE_CACHE_H
#define DEVMEMCAT_SERVE_CACHE_H

#include <sys/queue.h>

#include "devmem.h"
#include "files.h"

#define CACHE_BLOCK ((size_t)128 << 10) /* bytes; a file ends with a shorter one */
#define CACHE_STAGES 16			/* blocks on their way to the device at once */

enum block_state {
	BLOCK_FREE,
	BLOCK_WANTED,  /* not read yet, or not all of it */
	BLOCK_COPYING, /* the copy engine moves it to the device */
	BLOCK_READY,
	BLOCK_FAILED, /* the file could not be read, or has changed */
};

struct cache_block {
	enum block_state state;
	int error;	   /* BLOCK_FAILED: -errno */
	struct file *file; /* NULL: of none */
	uint64_t index;	   /* in the file, in blocks */
	size_t len, read;
	unsigned int users;
	unsigned int tries;	   /* reads that found nothing in the page cache */
	struct cache_stage *stage; /* host memory on the way to the device; NULL: none yet */
	struct cache_block *chain;
	TAILQ_ENTRY(cache_block) entry; /* of idle or wanted */
};

TAILQ_HEAD(block_list, cache_block);

struct cache_stage {
	uint8_t *bytes;
	uint64_t fence;
	struct cache_block *block; /* NULL: it is free */
};

struct cache {
	struct devmem_exporter *exporter;
	struct devmem_mem *mem;
	struct files *files;
	unsigned int n, n_chains, places; /* places: clients that may have blocks */
	unsigned int pot, pot_used;
	struct cache_block *blocks, **chains;
	struct block_list idle;	  /* without a use; those to be taken first in front */
	struct block_list wanted; /* to be read */
	unsigned int n_stages;	  /* 0: the CPU reads files right into blocks */
	struct cache_stage stages[CACHE_STAGES];
	uint64_t changes;		/* that may help a client that got nothing or waits */
	uint64_t hits, misses, evicted; /* blocks */
};

/* @exporter and @files must live as long as the cache; @bytes: at least two blocks. */
int cache_open(struct cache *cache, struct devmem_exporter *exporter, uint64_t bytes,
	       struct files *files, struct devmem_error *err);
/* No socket may send from it any more, or the kernel must know its memory by a binding. */
void cache_close(struct cache *cache);
/*
 * A use of block @index of @file, for a client that has @held blocks; its bytes may not be there
 * yet. NULL: the client has its share, or all is in use: later.
 */
struct cache_block *cache_take(struct cache *cache, struct file *file, uint64_t index,
			       unsigned int held);
/* Gives a use back; @held counts it still. */
void cache_give(struct cache *cache, struct cache_block *block, unsigned int held);
/* Reads files and moves copies on, without waiting. True when something moved. */
bool cache_step(struct cache *cache);
/* Blocks are on their way: nothing tells when they have come. */
bool cache_busy(const struct cache *cache);
/* The block's first byte in cache->mem. */
size_t cache_offset(const struct cache *cache, const struct cache_block *block);

/* What cache_step() is made of (cache_fill.c). */
void cache_drop(struct cache *cache, struct cache_block *block);
void cache_settle(struct cache *cache, struct cache_block *block, int error);

#endif

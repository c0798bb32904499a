/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Brings received fragments to where they belong by the device's copy engine, and keeps their
 * tokens until it has read them.
 *
 * Pieces are collected into a gather list, which goes to the engine as one batch; the batch's fence
 * then stands for its tokens and its pages of the pool.
 */
#ifndef DEVMEM_PLACE_H
#define DEVMEM_PLACE_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PLACE_PIECES 640 /* of one batch: the fragments of a receive call, and cuts among them */

struct place_token {
	uint32_t token;
	uint32_t stream;
};

struct place_batch {
	uint64_t fence;
	unsigned int tokens;
	unsigned int pages;
};

struct place {
	struct devmem_exporter *exporter;
	unsigned int n_pieces;
	unsigned int new_tokens, new_pages; /* of the list that is being made */
	struct devmem_copy pieces[PLACE_PIECES];
	/* Rings of 1 << order, oldest first; the tokens of the list that is being made are the last
	 * of theirs. */
	struct place_token *tokens;
	struct place_batch *batches;
	unsigned int token_order, first_token, n_tokens;
	unsigned int batch_order, first_batch, n_batches;
	unsigned int pages_done; /* pages whose bytes the engine has read, for the caller to take */
};

void place_init(struct place *place, struct devmem_exporter *exporter);
/* Copies under way go on; their tokens are the streams' to give back. */
void place_destroy(struct place *place);

/* Pieces that may still be added. */
unsigned int place_room(const struct place *place);
/* Adds a piece, or lengthens the last one: fragments of one train of packets often lie side by
 * side. */
void place_add(struct place *place, void *dst, const void *src, size_t len);
/* A token of the pieces so far. -ENOMEM. */
int place_hold(struct place *place, uint32_t stream, uint32_t token);
/* Pages of the pool that come free with the pieces so far. */
void place_pages(struct place *place, unsigned int pages);
/*
 * Hands the list to the engine. 1: it has it, *@fence says when it is through (untouched when the
 * list was empty); 0: the engine is full, try again; -errno.
 */
int place_start(struct place *place, uint64_t *fence);
/* A token whose fragment has been read: 1, 0 when there is none now, -errno. */
int place_next(struct place *place, struct place_token *token);

#ifdef __cplusplus
}
#endif

#endif

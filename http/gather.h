/* SPDX-License-Identifier: BSD-3-Clause */
/* Brings what one connection receives to its place by the device's copy engine, in batches, and
 * gives tokens back when a batch is through. */
#ifndef DEVMEM_HTTP_GATHER_H
#define DEVMEM_HTTP_GATHER_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GATHER_PIECES 256 /* of a batch: the fragments of one receive call */
#define GATHER_BATCHES 2  /* one is filled while the engine is at the other */

/* Whose bytes are copied. */
struct gather_owner {
	unsigned int pending; /* batches that are not through */
	int failed;	      /* -errno of the engine for one of them */
};

struct gather_batch {
	bool started;
	int failed; /* -errno: it could not be started */
	uint64_t fence;
	struct gather_owner *owner;
	unsigned int n_pieces, n_tokens;
	struct devmem_copy pieces[GATHER_PIECES];
	uint32_t tokens[GATHER_PIECES];
};

struct gather {
	unsigned int first, n; /* batches in use, oldest first; the last is the one being filled
				  unless it is started */
	uint64_t *copy_ns;     /* CPU time in calls that start copies is added here; NULL: not */
	bool from_bounce;      /* some copy reads the stream's bounce buffer */
	struct gather_batch batches[GATHER_BATCHES];
};

/* True when a batch can be begun: everything before is with the engine, and there is room. */
bool gather_ready(const struct gather *gather);
/* Begins a batch of at most GATHER_PIECES pieces and as many tokens; @owner must live until it is
 * through. */
void gather_begin(struct gather *gather, struct gather_owner *owner);
/* Adds a piece to the batch, or lengthens its last one. */
void gather_add(struct gather *gather, void *dst, const void *src, size_t len);
/* The token of a fragment of the batch. */
void gather_hold(struct gather *gather, uint32_t token);
/*
 * Hands the batch to the engine, if there is one that it does not have, and gives back the tokens
 * of those that are through. 1: nothing is left; 0: the engine is at work or full; -errno: the
 * engine failed with a batch, whose owner is told, or a token could not be given back; the other
 * batch may still be under way.
 */
int gather_progress(struct gather *gather, struct devmem_exporter *exporter,
		    struct devmem_stream *stream);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What streams and copies of the stand-in for libcuda.so.1 share. */
#ifndef FAKE_STREAM_H
#define FAKE_STREAM_H

#include "fake_cuda.h"

/* One side of a piece. Memory that the program may free while the copy is under way has a count of
 * its uses. */
struct fake_side {
	struct fake_place place;
	struct fake_pinned *pinned;
};

struct fake_piece {
	struct fake_side dst, src;
	size_t size;
	uint8_t *staged; /* what pageable memory held when the copy was called */
	bool garbled;	 /* the NIC's last writes have not arrived */
};

struct fake_op {
	struct fake_op *next;
	struct fake_event *event; /* NULL: pieces */
	size_t n;
	struct fake_piece pieces[];
};

/* The stream behind a handle: one that is live, and of the context. */
struct fake_stream *fake_stream_of(void *handle, const struct fake_context *context,
				   const char *call);
/* An operation with room for @n pieces, put at the end of a stream. */
struct fake_op *fake_op_new(size_t n);
void fake_stream_put(struct fake_stream *stream, struct fake_op *op);
/* Moves the bytes of a piece; without the lock. */
void fake_carry_out(const struct fake_piece *piece);

#endif

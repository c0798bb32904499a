/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the socket to the sink: fragments in device memory are gathered by the copy engine into
 * slots of host memory, their tokens go back, the slots are written in order.
 *
 * Tokens go back as soon as bytes are in a slot. While the sink takes nothing, slots fill up, then
 * nothing is received any more and the peer is stopped by TCP's window, which the pool can hold.
 */
#ifndef DEVMEMCAT_INBOUND_H
#define DEVMEMCAT_INBOUND_H

#include "devmem.h"
#include "sink.h"

#define INBOUND_SLOTS 8
#define INBOUND_SLOT_BYTES ((size_t)512 << 10)
#define INBOUND_FRAGS 512

struct inbound_slot {
	uint8_t *bytes;
	size_t len, written;
	uint64_t fence;
	unsigned int n_tokens;
	uint32_t tokens[INBOUND_FRAGS];
};

struct inbound {
	struct devmem_stream *stream;
	struct devmem_exporter *exporter;
	const struct devmem_mem *pool; /* NULL: no device memory is expected */
	uint32_t dmabuf_id;
	struct sink *sink;
	bool eof;	 /* of the connection */
	bool ended;	 /* the sink was closed */
	uint64_t placed; /* bytes that the copy engine moved out of device memory */
	/* Slots are used in turn; written <= copied <= taken <= written + INBOUND_SLOTS. */
	unsigned int taken, copied, written;
	bool bounce_used;      /* slots before taken are gathered from the stream's bounce buffer */
	unsigned int n_pieces; /* not started yet; they belong to slot taken - 1 */
	struct devmem_copy pieces[INBOUND_FRAGS];
	struct inbound_slot slots[INBOUND_SLOTS];
};

/* @pool and @dmabuf_id: of the window, or NULL and 0. All are the caller's. */
int inbound_open(struct inbound *in, struct devmem_stream *stream, struct devmem_exporter *exporter,
		 const struct devmem_mem *pool, uint32_t dmabuf_id, struct sink *sink,
		 struct devmem_error *err);
void inbound_close(struct inbound *in);
/* Moves everything as far as it goes without waiting. 1: something moved, 0: nothing, -errno with
 * @err. */
int inbound_step(struct inbound *in, struct devmem_error *err);
/* The peer's end came, and all before it was written. */
bool inbound_done(const struct inbound *in);
bool inbound_wants_socket(const struct inbound *in);
bool inbound_wants_sink(const struct inbound *in);
/* The copy engine is at work: its end is to be asked for, nothing tells it. */
bool inbound_copying(const struct inbound *in);

#endif

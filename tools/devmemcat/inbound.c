// SPDX-License-Identifier: BSD-3-Clause
/* From the socket to the sink, by way of device memory and the copy engine. */
#include "inbound.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_TOKENS 64 /* one system call returns so many tokens or more */

int inbound_open(struct inbound *in, struct devmem_stream *stream, struct devmem_exporter *exporter,
		 const struct devmem_mem *pool, uint32_t dmabuf_id, struct sink *sink,
		 struct devmem_error *err)
{
	*in = (struct inbound){.stream = stream,
			       .exporter = exporter,
			       .pool = pool,
			       .dmabuf_id = dmabuf_id,
			       .sink = sink};
	for (unsigned int i = 0; i < INBOUND_SLOTS; i++) {
		in->slots[i].bytes = malloc(INBOUND_SLOT_BYTES);
		if (!in->slots[i].bytes)
			return devmem_error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

void inbound_close(struct inbound *in)
{
	for (unsigned int i = 0; i < INBOUND_SLOTS; i++)
		free(in->slots[i].bytes);
}

static struct inbound_slot *slot_at(struct inbound *in, unsigned int i)
{
	return &in->slots[i % INBOUND_SLOTS];
}

/* Fragments of one packet train often lie side by side. */
static void add_piece(struct inbound *in, uint8_t *dst, const uint8_t *src, size_t len)
{
	struct devmem_copy *last = in->n_pieces ? &in->pieces[in->n_pieces - 1] : NULL;

	if (last && (const uint8_t *)last->src + last->len == src)
		last->len += len;
	else
		in->pieces[in->n_pieces++] = (struct devmem_copy){dst, src, len};
}

static int add_frag(struct inbound *in, struct inbound_slot *slot, const struct devmem_frag *frag,
		    struct devmem_error *err)
{
	const uint8_t *src = devmem_stream_bounce(in->stream);

	if (frag->where == DEVMEM_FRAG_DEVICE) {
		slot->tokens[slot->n_tokens++] = frag->token;
		if (!in->pool || frag->dmabuf_id != in->dmabuf_id)
			return devmem_error_set(
				err, -EPROTO,
				"the NIC put data into dmabuf %u, which is another program's: its "
				"rule steers this connection (ethtool -n lists rules; without "
				"--no-setup a rule of one's own is made)",
				frag->dmabuf_id);
		if (frag->len > in->pool->size || frag->offset > in->pool->size - frag->len)
			return devmem_error_set(err, -EPROTO,
						"the kernel told of a fragment beyond the end of "
						"its dmabuf, at %" PRIu64,
						frag->offset);
		src = in->pool->addr;
		in->placed += frag->len;
	} else {
		in->bounce_used = true;
	}
	add_piece(in, slot->bytes + slot->len, src + frag->offset, frag->len);
	slot->len += frag->len;
	return 0;
}

static int recv_failed(struct devmem_error *err, const struct inbound *in, int code)
{
	struct devmem_stream_stats stats;

	devmem_stream_stats_get(in->stream, &stats);
	return devmem_error_set(err, code, "receiving failed after %" PRIu64 " bytes: %s%s",
				stats.rx_device + stats.rx_linear + stats.rx_plain, strerror(-code),
				code == -ECONNRESET  ? " (the other side ended without a close)"
				: code == -ETIMEDOUT ? " (the other side does not answer)"
						     : "");
}

/* Takes what has come into the next slot. 1: something, 0: nothing there or no room. */
static int take(struct inbound *in, struct devmem_error *err)
{
	struct inbound_slot *slot = slot_at(in, in->taken);
	struct devmem_frag frags[INBOUND_FRAGS];
	unsigned int n = INBOUND_FRAGS;
	ssize_t got;
	int ret;

	if (!inbound_wants_socket(in))
		return 0;
	got = devmem_stream_recv(in->stream, INBOUND_SLOT_BYTES, frags, &n);
	if (got == -EAGAIN)
		return 0;
	if (got < 0)
		return recv_failed(err, in, (int)got);
	if (!got) {
		in->eof = true;
		return 1;
	}
	slot->len = slot->written = slot->n_tokens = 0;
	in->taken++;
	for (unsigned int i = 0; i < n; i++) {
		ret = add_frag(in, slot, &frags[i], err);
		if (ret)
			return ret;
	}
	return 1;
}

/* Hands the newest slot's gather list to the copy engine, which may be full. */
static int start_copy(struct inbound *in, struct devmem_error *err)
{
	int ret;

	if (!in->n_pieces)
		return 0;
	ret = devmem_copy_start(in->exporter, in->pieces, in->n_pieces,
				&slot_at(in, in->taken - 1)->fence);
	if (ret == -EAGAIN)
		return 0;
	if (ret)
		return devmem_error_set(err, ret, "the copy engine failed: %s", strerror(-ret));
	in->n_pieces = 0;
	return 1;
}

static int put_tokens(struct inbound *in, struct inbound_slot *slot, struct devmem_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; i < slot->n_tokens && !ret; i++)
		ret = devmem_stream_token_put(in->stream, slot->tokens[i]);
	slot->n_tokens = 0;
	if (!ret && devmem_stream_tokens_batched(in->stream) >= FLUSH_TOKENS)
		ret = devmem_stream_token_flush(in->stream);
	if (ret)
		devmem_error_set(err, ret, "cannot give device memory back to the NIC: %s",
				 strerror(-ret));
	return ret;
}

static int finish_copies(struct inbound *in, struct devmem_error *err)
{
	unsigned int started = in->taken - (in->n_pieces ? 1 : 0), before = in->copied;
	int ret;

	while (in->copied != started) {
		struct inbound_slot *slot = slot_at(in, in->copied);

		ret = devmem_copy_done(in->exporter, slot->fence);
		if (ret < 0)
			return devmem_error_set(err, ret, "the copy engine failed: %s",
						strerror(-ret));
		if (!ret)
			break;
		ret = put_tokens(in, slot, err);
		if (ret)
			return ret;
		in->copied++;
	}
	if (in->copied == in->taken)
		in->bounce_used = false;
	return in->copied != before;
}

static int sink_failed(const struct sink *sink, int code, struct devmem_error *err)
{
	if (code == -EBADMSG)
		return devmem_error_set(err, code,
					"wrong data: the byte at offset %" PRIu64
					" is 0x%02x, and 0x%02x by --validate=%" PRIu64
					"; are the seeds of both sides the same?",
					sink->offset, sink->got, sink->want, sink->seed);
	return devmem_error_set(err, code, "cannot write to stdout after %" PRIu64 " bytes: %s",
				sink->offset, strerror(-code));
}

static int write_out(struct inbound *in, struct devmem_error *err)
{
	bool moved = false;

	while (in->written != in->copied) {
		struct inbound_slot *slot = slot_at(in, in->written);
		ssize_t n = sink_put(in->sink, slot->bytes + slot->written,
				     slot->len - slot->written);

		if (n == -EAGAIN)
			break;
		if (n < 0)
			return sink_failed(in->sink, (int)n, err);
		moved = true;
		slot->written += (size_t)n;
		if (slot->written == slot->len)
			in->written++;
	}
	return moved;
}

/* Tells the reader of stdout that all has come, though the other direction may go on. */
static int end_sink(struct inbound *in, struct devmem_error *err)
{
	int ret;

	if (in->ended || !inbound_done(in))
		return 0;
	in->ended = true;
	ret = sink_close(in->sink);
	return ret ? sink_failed(in->sink, ret, err) : 1;
}

int inbound_step(struct inbound *in, struct devmem_error *err)
{
	static int (*const steps[])(struct inbound *, struct devmem_error *) = {
		take, start_copy, finish_copies, write_out, end_sink};
	bool moved = false;
	int ret;

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ret = steps[i](in, err);
		if (ret < 0)
			return ret;
		moved |= ret;
	}
	/* Whoever waits now might wait for memory that these tokens hold. */
	if (!moved && devmem_stream_tokens_batched(in->stream)) {
		ret = devmem_stream_token_flush(in->stream);
		if (ret)
			return devmem_error_set(err, ret,
						"cannot give device memory back to the NIC: %s",
						strerror(-ret));
	}
	return moved;
}

bool inbound_done(const struct inbound *in)
{
	return in->eof && in->written == in->taken;
}

bool inbound_wants_socket(const struct inbound *in)
{
	return !in->eof && !in->n_pieces && in->taken - in->written < INBOUND_SLOTS &&
	       !in->bounce_used;
}

bool inbound_wants_sink(const struct inbound *in)
{
	return in->written != in->copied;
}

bool inbound_copying(const struct inbound *in)
{
	return in->copied != in->taken;
}

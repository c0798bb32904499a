// SPDX-License-Identifier: BSD-3-Clause
/* A receiver's data stream: its next bytes are chunks of messages, in the order of their records.
 */
#include "conn.h"
#include "stream.h"

#include <errno.h>

static struct rx_chunk *chunk_at(struct rx_stream *rx, uint32_t number)
{
	return &rx->chunks[number % CONN_CHUNKS];
}

bool rx_stream_has_room(const struct conn *conn, unsigned int stream)
{
	const struct rx_stream *rx = &conn->rx[stream];

	return rx->end - rx->first < CONN_CHUNKS;
}

int rx_stream_push(struct conn *conn, unsigned int stream, struct request *request, size_t len)
{
	if (stream >= conn->n_streams || !len || len > request->len - request->assigned)
		return -EPROTO;
	*chunk_at(&conn->rx[stream], conn->rx[stream].end++) =
		(struct rx_chunk){.seq = request->seq, .offset = request->assigned, .len = len};
	if (!request->assigned)
		request->stream = stream;
	request->assigned += len;
	return 0;
}

/* Bytes that one call may take: those of all chunks in line. */
static size_t wanted(struct rx_stream *rx)
{
	size_t want = 0;

	for (uint32_t i = rx->first; i != rx->end && want < CONN_RECEIVE; i++)
		want += chunk_at(rx, i)->len - chunk_at(rx, i)->got;
	return want < CONN_RECEIVE ? want : CONN_RECEIVE;
}

/* Whether the device's kernels can be told of all of a fragment of @len bytes. */
static bool can_unpack(struct conn *conn, struct rx_stream *rx, size_t len)
{
	for (uint32_t i = rx->first; len; i++) {
		const struct rx_chunk *chunk = chunk_at(rx, i);
		size_t n = chunk->len - chunk->got < len ? chunk->len - chunk->got : len;

		if (!conn_request(conn, chunk->seq)->unpack ||
		    !unpack_has_room(conn->unpack, chunk->seq, i - rx->first + 1))
			return false;
		len -= n;
	}
	return true;
}

static void place_piece(struct conn *conn, struct request *request, size_t offset,
			const uint8_t *src, size_t len, bool unpack)
{
	if (unpack) {
		unpack_add(conn->unpack, request->seq, src, len, offset);
		conn->counts.unpacked += len;
		return;
	}
	place_add(&conn->place, request->addr + offset, src, len);
	conn->counts.placed += len;
	request->in_list = true;
}

/* The bytes of a fragment go to the chunks whose turn it is; a fragment may end one and begin the
 * next. Returns the message that has its last byte. */
static uint32_t distribute(struct conn *conn, struct rx_stream *rx, const uint8_t *src, size_t len,
			   bool unpack)
{
	uint32_t seq = 0;

	while (len) {
		struct rx_chunk *chunk = chunk_at(rx, rx->first);
		struct request *request = conn_request(conn, chunk->seq);
		size_t n = chunk->len - chunk->got < len ? chunk->len - chunk->got : len;

		place_piece(conn, request, chunk->offset + chunk->got, src, n, unpack);
		chunk->got += n;
		request->moved += n;
		conn_grant_used(conn, request, n);
		seq = chunk->seq;
		if (chunk->got == chunk->len)
			rx->first++;
		src += n;
		len -= n;
	}
	return seq;
}

static int take_fragment(struct conn *conn, unsigned int stream, const struct devmem_frag *frag)
{
	const uint8_t *src = devmem_stream_bounce(conn->streams[stream]);
	bool unpack;
	uint32_t seq;

	if (frag->where == DEVMEM_FRAG_DEVICE) {
		if (frag->dmabuf_id != devmem_binding_id(conn->pool->binding) ||
		    frag->offset + frag->len > conn->pool->mem->size)
			return -EPROTO;
		src = conn->pool->mem->addr;
	} else {
		conn->streams_in_list |= 1u << stream;
	}
	unpack = frag->where == DEVMEM_FRAG_DEVICE &&
		 can_unpack(conn, &conn->rx[stream], frag->len);
	seq = distribute(conn, &conn->rx[stream], src + frag->offset, frag->len, unpack);
	if (frag->where != DEVMEM_FRAG_DEVICE)
		return 0;
	/* Messages are consumed in order: a fragment of two is read when the second one is. */
	return unpack ? unpack_hold(conn->unpack, seq, stream, frag->token)
		      : place_hold(&conn->place, stream, frag->token);
}

static bool bounce_free(struct conn *conn, struct rx_stream *rx)
{
	if (rx->bounce_busy && devmem_copy_done(conn->device->exporter, rx->bounce_fence) > 0)
		rx->bounce_busy = false;
	return !rx->bounce_busy;
}

int rx_stream_progress(struct conn *conn, unsigned int stream)
{
	struct rx_stream *rx = &conn->rx[stream];
	struct devmem_frag frags[STREAM_MAX_FRAGS];
	unsigned int n = STREAM_MAX_FRAGS;
	size_t want;
	ssize_t got;
	int ret = 0;

	/* A call's fragments, cut where chunks meet, must find room in the list. */
	if (rx->first == rx->end || rx->dry || !bounce_free(conn, rx) ||
	    place_room(&conn->place) < STREAM_MAX_FRAGS + CONN_CHUNKS)
		return 0;
	want = wanted(rx);
	got = devmem_stream_recv(conn->streams[stream], want, frags, &n);
	rx->dry = got != 0 && got < (ssize_t)want && n < STREAM_MAX_FRAGS;
	if (got == -EAGAIN)
		return 0;
	if (got <= 0)
		return got ? (int)got : -ECONNRESET;
	for (unsigned int i = 0; !ret && i < n; i++)
		ret = take_fragment(conn, stream, &frags[i]);
	return ret ? ret : 1;
}

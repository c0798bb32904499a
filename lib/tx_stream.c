// SPDX-License-Identifier: BSD-3-Clause
/* A sender's data stream: chunks in line, sent from device memory or by way of host memory, and
 * acknowledged. */
#include "clock.h"
#include "conn.h"
#include "stream.h"

#include <errno.h>

#define MAX_SEND (2 * 1024 * 1024) /* bytes of one sendmsg */
#define MAX_PIECES 16		   /* chunks of one sendmsg */

static struct tx_chunk *chunk_at(struct tx_stream *tx, uint32_t number)
{
	return &tx->chunks[number % CONN_CHUNKS];
}

bool tx_stream_has_room(const struct conn *conn, unsigned int stream)
{
	const struct tx_stream *tx = &conn->tx[stream];

	return tx->end - tx->first < CONN_CHUNKS;
}

void tx_stream_push(struct conn *conn, unsigned int stream, struct request *request, size_t offset,
		    size_t len)
{
	struct tx_stream *tx = &conn->tx[stream];

	*chunk_at(tx,
		  tx->end++) = (struct tx_chunk){.request = request, .offset = offset, .len = len};
	if (!offset)
		request->stream = stream;
	request->chunks++;
	conn->loads[stream].waiting += len;
	if (conn->n_streams > 1)
		sched_assigned(&conn->loads[stream], len, clock_ns());
}

static bool by_nic(const struct conn *conn, const struct tx_chunk *chunk)
{
	return !conn->looped && chunk->request->region && chunk->request->region->tx;
}

/* Copies ahead what is in line and cannot be read by anybody but the copy engine. */
static int fill_stage(struct conn *conn, struct tx_stream *tx)
{
	while (tx->filled != tx->end) {
		struct tx_chunk *chunk = chunk_at(tx, tx->filled);
		ssize_t filled;

		if (by_nic(conn, chunk) || chunk->staged == chunk->len ||
		    conn_cpu_reaches(conn, chunk->request->region)) {
			tx->filled++;
			continue;
		}
		filled = stage_fill(&tx->stage,
				    chunk->request->addr + chunk->offset + chunk->staged,
				    chunk->len - chunk->staged);
		if (filled <= 0)
			return (int)filled;
		chunk->staged += (size_t)filled;
	}
	return 0;
}

/* Bytes of the chunk that may be sent now. */
static size_t allowed(const struct conn *conn, const struct tx_chunk *chunk)
{
	const struct tx_grant *grant = conn_grant_of(conn, chunk->request->seq);
	uint64_t granted = grant && grant->bytes > chunk->offset ? grant->bytes - chunk->offset : 0;

	return (granted < chunk->len ? granted : chunk->len) - chunk->sent;
}

/* The socket has taken @sent bytes of what is in line. @completion says when they are acknowledged;
 * NULL: nothing will. */
static void taken(struct conn *conn, unsigned int stream, size_t sent, const uint32_t *completion)
{
	struct tx_stream *tx = &conn->tx[stream];

	conn->loads[stream].waiting -= sent;
	while (sent) {
		struct tx_chunk *chunk = chunk_at(tx, tx->next);
		size_t left = chunk->len - chunk->sent, n = left < sent ? left : sent;

		if (completion) {
			chunk->zerocopy = true;
			chunk->completion = *completion;
		}
		chunk->sent += n;
		chunk->request->moved += n;
		sent -= n;
		if (n == left)
			tx->next++;
	}
}

/* What one call may send from the dmabuf of the first chunk in line: pieces that, but for the last,
 * end their chunks. Returns how many. */
static unsigned int gather(const struct conn *conn, struct tx_stream *tx, struct iovec *pieces)
{
	uint32_t tx_id = chunk_at(tx, tx->next)->request->region->tx_id;
	size_t room = MAX_SEND;
	unsigned int n = 0;

	for (uint32_t i = tx->next; i != tx->end && n < MAX_PIECES && room; i++) {
		const struct tx_chunk *chunk = chunk_at(tx, i);
		const struct region *region = chunk->request->region;
		const uint8_t *from = chunk->request->addr + chunk->offset + chunk->sent;
		size_t len = allowed(conn, chunk), offset;

		if (!len || !by_nic(conn, chunk) || region->tx_id != tx_id)
			break;
		len = len < room ? len : room;
		offset = region->mem->dmabuf_offset + (size_t)(from - (uint8_t *)region->mem->addr);
		pieces[n++] = (struct iovec){(void *)offset, len};
		room -= len;
		if (len != chunk->len - chunk->sent)
			break;
	}
	return n;
}

static ssize_t send_device(struct conn *conn, unsigned int stream)
{
	struct tx_stream *tx = &conn->tx[stream];
	uint32_t tx_id = chunk_at(tx, tx->next)->request->region->tx_id, completion;
	struct iovec pieces[MAX_PIECES];
	unsigned int n = gather(conn, tx, pieces);
	ssize_t sent = stream_send_pieces(conn->streams[stream], tx_id, pieces, n, &completion);

	if (sent <= 0)
		return sent;
	conn->counts.tx_device += (size_t)sent;
	taken(conn, stream, (size_t)sent, &completion);
	return sent;
}

static ssize_t send_host(struct conn *conn, unsigned int stream)
{
	struct tx_stream *tx = &conn->tx[stream];
	const struct tx_chunk *chunk = chunk_at(tx, tx->next);
	const struct region *region = chunk->request->region;
	const uint8_t *bytes = chunk->request->addr + chunk->offset + chunk->sent;
	bool staged = !conn_cpu_reaches(conn, region);
	size_t n = allowed(conn, chunk), there;
	ssize_t sent;
	int ret;

	n = n < MAX_SEND ? n : MAX_SEND;
	there = n;
	if (staged) {
		ret = stage_peek(&tx->stage, &bytes, &there);
		if (ret <= 0)
			return ret ? ret : -EAGAIN;
	}
	sent = devmem_stream_send_host(conn->streams[stream], bytes, there < n ? there : n, false,
				       NULL);
	if (sent <= 0)
		return sent;
	tx->copies = true;
	if (staged)
		stage_take(&tx->stage, (size_t)sent);
	if (region)
		conn->counts.tx_staged += (size_t)sent;
	else
		conn->counts.tx_copied += (size_t)sent;
	taken(conn, stream, (size_t)sent, NULL);
	return sent;
}

int tx_stream_progress(struct conn *conn, unsigned int stream)
{
	struct tx_stream *tx = &conn->tx[stream];
	bool moved = false;

	while (tx->next != tx->end) {
		const struct tx_chunk *chunk = chunk_at(tx, tx->next);
		ssize_t sent;
		int ret;

		if (!allowed(conn, chunk)) {
			conn->starved = true;
			break;
		}
		ret = fill_stage(conn, tx);
		if (ret < 0)
			return ret;
		sent = by_nic(conn, chunk) ? send_device(conn, stream) : send_host(conn, stream);
		if (sent == -EAGAIN) {
			/* Room for notifications comes back with acknowledgements, too. */
			ret = tx_stream_reap(conn, stream);
			if (ret < 0)
				return ret;
			break;
		}
		if (sent < 0)
			return (int)sent;
		moved = true;
	}
	return moved;
}

int tx_stream_reap(struct conn *conn, unsigned int stream)
{
	struct tx_stream *tx = &conn->tx[stream];
	int ret = devmem_stream_reap(conn->streams[stream]);

	if (ret < 0)
		return ret;
	while (tx->first != tx->next) {
		struct tx_chunk *chunk = chunk_at(tx, tx->first);

		if (chunk->zerocopy &&
		    !devmem_stream_sent(conn->streams[stream], chunk->completion))
			break;
		if (conn->n_streams > 1 && chunk->zerocopy)
			sched_acknowledged(&conn->loads[stream], chunk->len, clock_ns());
		chunk->request->chunks--;
		tx->first++;
	}
	return 0;
}

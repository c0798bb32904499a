// SPDX-License-Identifier: BSD-3-Clause
/* A sender's data stream: chunks in line, sent from device memory or by way of host memory, and
 * acknowledged. */
#include "clock.h"
#include "conn.h"

#include <errno.h>

#define MAX_SEND (1024 * 1024) /* bytes of one sendmsg */

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
	request->chunks++;
	tx->waiting += len;
	conn->loads[stream].queued++;
	if (conn->n_streams > 1)
		sched_assigned(&conn->loads[stream], len, clock_ns());
}

static bool by_nic(const struct tx_chunk *chunk)
{
	return chunk->request->region && chunk->request->region->tx;
}

/* Copies ahead what is in line and cannot be read by anybody but the copy engine. */
static int fill_stage(struct conn *conn, struct tx_stream *tx)
{
	while (tx->filled != tx->end) {
		struct tx_chunk *chunk = chunk_at(tx, tx->filled);
		ssize_t filled;

		if (by_nic(chunk) || chunk->staged == chunk->len ||
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

static ssize_t send_device(struct conn *conn, unsigned int stream, struct tx_chunk *chunk, size_t n)
{
	const struct region *region = chunk->request->region;
	const uint8_t *from = chunk->request->addr + chunk->offset + chunk->sent;
	ssize_t sent = devmem_stream_send_device(
		conn->streams[stream], region->tx_id,
		region->mem->dmabuf_offset + (uint64_t)(from - (uint8_t *)region->mem->addr), n,
		&chunk->completion);

	if (sent > 0) {
		chunk->zerocopy = true;
		conn->counts.tx_device += (size_t)sent;
	}
	return sent;
}

static ssize_t send_host(struct conn *conn, unsigned int stream, struct tx_chunk *chunk, size_t n)
{
	struct tx_stream *tx = &conn->tx[stream];
	const uint8_t *bytes = chunk->request->addr + chunk->offset + chunk->sent;
	bool staged = !conn_cpu_reaches(conn, chunk->request->region);
	size_t there = n;
	ssize_t sent;
	int ret;

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
	if (chunk->request->region)
		conn->counts.tx_staged += (size_t)sent;
	else
		conn->counts.tx_copied += (size_t)sent;
	return sent;
}

/* Bytes of the chunk that may be sent now. */
static size_t allowed(const struct conn *conn, const struct tx_chunk *chunk)
{
	const struct tx_grant *grant = conn_grant_of(conn, chunk->request->seq);
	uint64_t granted = grant && grant->bytes > chunk->offset ? grant->bytes - chunk->offset : 0;

	return (granted < chunk->len ? granted : chunk->len) - chunk->sent;
}

int tx_stream_progress(struct conn *conn, unsigned int stream)
{
	struct tx_stream *tx = &conn->tx[stream];
	bool moved = false;
	int ret;

	while (tx->next != tx->end) {
		struct tx_chunk *chunk = chunk_at(tx, tx->next);
		size_t n = allowed(conn, chunk);
		ssize_t sent;

		if (!n) {
			conn->starved = true;
			break;
		}
		n = n < MAX_SEND ? n : MAX_SEND;
		ret = fill_stage(conn, tx);
		if (ret < 0)
			return ret;
		sent = by_nic(chunk) ? send_device(conn, stream, chunk, n)
				     : send_host(conn, stream, chunk, n);
		if (sent == -EAGAIN) {
			/* Room for notifications comes back with acknowledgements, too. */
			ret = tx_stream_reap(conn, stream);
			if (ret < 0)
				return ret;
			break;
		}
		if (sent < 0)
			return (int)sent;
		chunk->sent += (size_t)sent;
		chunk->request->moved += (size_t)sent;
		tx->waiting -= (size_t)sent;
		moved = true;
		if (chunk->sent == chunk->len) {
			tx->next++;
			conn->loads[stream].queued--;
		}
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

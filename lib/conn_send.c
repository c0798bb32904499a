// SPDX-License-Identifier: BSD-3-Clause
/* The sending end of a connection: announces messages on control, then moves their bytes by the way
 * that suits them. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_SEND (1024 * 1024) /* bytes of one sendmsg */
#define IDLE_CHECK 64	       /* idle calls between looks at whether the peer is still there */

/* The receiver says once where its buffers are; nothing may be sent before. */
static int learn_mode(struct conn *conn)
{
	struct wire_record record;
	int ret = conn_get_record(conn, &record);

	if (ret <= 0)
		return ret;
	if (record.type != WIRE_MODE)
		return -EPROTO;
	conn->mode = (enum wire_mode)record.len;
	conn->mode_known = true;
	return 1;
}

static enum wire_via choose_via(const struct conn *conn)
{
	return conn->mode == WIRE_MODE_DEVICE && conn->data ? WIRE_DATA : WIRE_INLINE;
}

/*
 * Writes the records of all posted messages whose bytes travel apart, so that one system call
 * announces many. The bytes of an inline message must follow its record at once, with no record
 * among them, not even that of an empty message.
 */
static void announce(struct conn *conn)
{
	const struct request *current = &conn->requests[conn->current % CONN_REQUESTS];

	if (conn->announced != conn->current && current->via == WIRE_INLINE && current->len)
		return;
	while (conn->announced != conn->posted &&
	       conn->out_len + WIRE_RECORD_BYTES <= sizeof(conn->out)) {
		struct request *request = &conn->requests[conn->announced % CONN_REQUESTS];

		request->via = request->len ? choose_via(conn) : WIRE_INLINE;
		if (request->via == WIRE_INLINE && request->len && conn->announced != conn->current)
			return;
		conn_put_record(conn, WIRE_MSG, request->via, request->seq, request->len);
		request->announced = true;
		conn->announced++;
		if (request->via == WIRE_INLINE && request->len)
			return;
	}
}

/* Host bytes of @request from where it stands: its memory, or a copy of it when the CPU cannot read
 * that. 0: not there yet. */
static int host_bytes(struct conn *conn, const struct request *request, const uint8_t **bytes,
		      size_t *n)
{
	struct devmem_exporter *exporter = conn->device->exporter;
	struct devmem_copy piece;
	int ret;

	if (conn_cpu_reaches(conn, request->region)) {
		*bytes = request->addr + request->moved;
		*n = request->len - request->moved;
		return 1;
	}
	if (!conn->bounce && !(conn->bounce = malloc(CONN_BOUNCE)))
		return -ENOMEM;
	if (conn->bounce_start == conn->bounce_len && !conn->bounce_busy) {
		conn->bounce_start = 0;
		conn->bounce_len = request->len - request->moved < CONN_BOUNCE
					   ? request->len - request->moved
					   : CONN_BOUNCE;
		piece = (struct devmem_copy){conn->bounce, request->addr + request->moved,
					     conn->bounce_len};
		ret = devmem_copy_start(exporter, &piece, 1, &conn->bounce_fence);
		if (ret) {
			conn->bounce_len = 0;
			return ret == -EAGAIN ? 0 : ret;
		}
		conn->bounce_busy = true;
	}
	if (conn->bounce_busy) {
		ret = devmem_copy_done(exporter, conn->bounce_fence);
		if (ret <= 0)
			return ret;
		conn->bounce_busy = false;
	}
	*bytes = conn->bounce + conn->bounce_start;
	*n = conn->bounce_len - conn->bounce_start;
	return 1;
}

static void count_host_bytes(struct conn *conn, const struct request *request, size_t n)
{
	if (conn->bounce_start != conn->bounce_len)
		conn->bounce_start += n;
	if (request->region)
		conn->counts.tx_staged += n;
	else
		conn->counts.tx_copied += n;
}

static ssize_t send_piece(struct conn *conn, struct request *request)
{
	size_t left = request->len - request->moved, n = 0;
	const uint8_t *bytes = NULL;
	ssize_t sent;
	int ret;

	if (request->via == WIRE_DATA && request->region && request->region->tx) {
		const struct devmem_mem *mem = request->region->mem;

		sent = devmem_stream_send_device(
			conn->data, request->region->tx_id,
			mem->dmabuf_offset + (uint64_t)(request->addr - (uint8_t *)mem->addr) +
				request->moved,
			left < MAX_SEND ? left : MAX_SEND, &request->completion);
		if (sent > 0) {
			request->zerocopy = true;
			conn->counts.tx_device += (size_t)sent;
		}
		return sent;
	}
	ret = host_bytes(conn, request, &bytes, &n);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	n = n < MAX_SEND ? n : MAX_SEND;
	if (request->via == WIRE_DATA) {
		sent = devmem_stream_send_host(conn->data, bytes, n, false, NULL);
	} else {
		sent = send(conn->control, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			sent = errno == EINTR || errno == ENOBUFS ? -EAGAIN : -errno;
	}
	if (sent > 0)
		count_host_bytes(conn, request, (size_t)sent);
	return sent;
}

/* Moves the bytes of the current message. 1: all are moved, 0: the socket is full, -errno. */
static int send_current(struct conn *conn, struct request *request, bool *moved)
{
	if (!request->announced)
		return 0;
	while (request->moved < request->len) {
		ssize_t sent = send_piece(conn, request);

		if (sent == -EAGAIN)
			return 0;
		if (sent < 0)
			return (int)sent;
		request->moved += (size_t)sent;
		*moved = true;
	}
	return 1;
}

/*
 * A peer that has died shows on its own when bytes are to be sent; here for those that wait for the
 * mode or for room. One that has all bytes may close first.
 */
static int check_peer(struct conn *conn)
{
	int ret;

	if (++conn->idle % IDLE_CHECK || conn->current == conn->posted)
		return 0;
	ret = conn_fill(conn);
	return ret < 0 ? ret : 0;
}

int conn_send_progress(struct conn *conn)
{
	bool moved = false;
	int ret;

	if (!conn->mode_known) {
		ret = learn_mode(conn);
		if (ret <= 0)
			return ret;
	}
	while (conn->current != conn->posted) {
		struct request *request = &conn->requests[conn->current % CONN_REQUESTS];

		announce(conn);
		ret = conn_flush(conn);
		if (ret > 0)
			ret = send_current(conn, request, &moved);
		if (ret < 0)
			return ret;
		if (!ret)
			break;
		request->state = REQUEST_MOVED;
		conn->current++;
		moved = true;
	}
	return moved ? 1 : check_peer(conn);
}

bool conn_send_complete(struct conn *conn, const struct request *request)
{
	if (!request->zerocopy || devmem_stream_sent(conn->data, request->completion))
		return true;
	/* The error queue says which sends are acknowledged; a broken socket shows at the next
	 * send. */
	(void)devmem_stream_reap(conn->data);
	return devmem_stream_sent(conn->data, request->completion);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Records on a connection's control socket, both ways, in as few system calls as may be. */
#include "conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool conn_put_record(struct conn *conn, const struct wire_record *record)
{
	if (conn->out_len + WIRE_RECORD_BYTES > sizeof(conn->out))
		return false;
	wire_put_record(conn->out + conn->out_len, record);
	conn->out_len += WIRE_RECORD_BYTES;
	return true;
}

static int flush(struct conn *conn, int flags)
{
	ssize_t sent;

	if (!conn->out_len)
		return 1;
	sent = send(conn->control_fd, conn->out, conn->out_len,
		    MSG_DONTWAIT | MSG_NOSIGNAL | flags);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -errno;
	conn->out_len -= (size_t)sent;
	memmove(conn->out, conn->out + sent, conn->out_len);
	return conn->out_len == 0;
}

int conn_flush(struct conn *conn)
{
	return flush(conn, 0);
}

int conn_flush_before_bytes(struct conn *conn)
{
	return flush(conn, MSG_MORE);
}

int conn_fill(struct conn *conn)
{
	size_t room;
	ssize_t n;

	if (conn->control_dry)
		return 0;
	if (conn->in_start == conn->in_end)
		conn->in_start = conn->in_end = 0;
	if (conn->in_start) {
		memmove(conn->in, conn->in + conn->in_start, conn->in_end - conn->in_start);
		conn->in_end -= conn->in_start;
		conn->in_start = 0;
	}
	room = sizeof(conn->in) - conn->in_end;
	n = recv(conn->control_fd, conn->in + conn->in_end, room, MSG_DONTWAIT);
	conn->control_dry = n != 0 && n < (ssize_t)room;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	conn->in_end += (size_t)n;
	return 1;
}

/* A whole record, with an ABORT's text. 0, -EAGAIN, -EPROTO. */
static int parse(const struct conn *conn, struct wire_record *record)
{
	size_t there = conn->in_end - conn->in_start;
	int ret = wire_get_record(conn->in + conn->in_start, there, record);

	if (!ret && record->type == WIRE_ABORT && there - WIRE_RECORD_BYTES < record->len)
		return -EAGAIN;
	return ret;
}

static int take_abort(struct conn *conn, const struct wire_record *record)
{
	char text[WIRE_REASON + 1];

	memcpy(text, conn->in + conn->in_start, record->len);
	text[record->len] = '\0';
	conn->in_start += record->len;
	return conn_aborted(conn, record, text);
}

int conn_get_record(struct conn *conn, bool fill, struct wire_record *record)
{
	int ret = parse(conn, record);

	if (ret == -EAGAIN && fill) {
		ret = conn_fill(conn);
		if (ret <= 0)
			return ret;
		ret = parse(conn, record);
	}
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	conn->in_start += WIRE_RECORD_BYTES;
	return record->type == WIRE_ABORT ? take_abort(conn, record) : 1;
}

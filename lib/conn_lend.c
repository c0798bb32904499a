// SPDX-License-Identifier: BSD-3-Clause
/* Messages in host memory that are lent to a receiver in the same machine, and given back. */
#include "conn.h"
#include "stream.h"

#include <errno.h>
#include <poll.h>

#define LEND_MIN (64 * 1024) /* below, copying costs less than taking references */
#define SAY_AT 2	     /* messages for which the receiver says TAKEN at once */
#define SAY_IDLE 8	     /* or so many calls in a row found nothing */

/* Where the kernel, when asked to send memory itself, has copied it all the same. */
bool conn_may_lend(struct conn *conn, const struct request *request)
{
	if (request->via != WIRE_INLINE || request->len < LEND_MIN || request->region ||
	    !conn->control->zerocopy_copied || !lender_works(&conn->device->lender))
		return false;
	if (!conn->lend_asked)
		conn->lend_below = lender_limit(conn->control_fd);
	conn->lend_asked = true;
	return request->len < conn->lend_below;
}

ssize_t conn_send_lent(struct conn *conn, const uint8_t *bytes, size_t n)
{
	int ret = conn_flush_before_bytes(conn);

	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	return lender_send(&conn->device->lender, conn->control_fd, bytes, n, &conn->lend_full);
}

int conn_note_taken(struct conn *conn, const struct wire_record *record)
{
	uint32_t seq = conn->current - CONN_REQUESTS;
	bool any = false;

	if (conn->current - 1 - record->seq >= CONN_REQUESTS)
		return -EPROTO;
	for (; seq != record->seq + 1; seq++) {
		struct request *request = conn_request(conn, seq);

		if (request->seq != seq || !request->lent)
			continue;
		request->lent = false;
		conn->lent--;
		any = true;
	}
	return any ? 1 : -EPROTO;
}

/* A sender that has ended the connection may have changed the memory before it was read. */
int conn_note_borrowed(struct conn *conn, const struct request *request)
{
	struct pollfd pollfd = {.fd = conn->control_fd};

	if (poll(&pollfd, 1, 0) > 0)
		return conn_fail(conn, -ECONNRESET,
				 "the sender ended the connection while its memory was being read");
	conn->borrowed++;
	conn->last_borrowed = request->seq;
	return 1;
}

int conn_say_taken(struct conn *conn, bool at_once)
{
	if (!conn->borrowed || (!at_once && conn->borrowed < SAY_AT && conn->idle < SAY_IDLE &&
				conn->current != conn->posted))
		return 0;
	if (!conn_put_record(conn,
			     &(struct wire_record){.type = WIRE_TAKEN, .seq = conn->last_borrowed}))
		return 0;
	conn->borrowed = 0;
	return conn_flush(conn);
}

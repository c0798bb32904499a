// SPDX-License-Identifier: BSD-3-Clause
/* The receiving end of a connection: learns messages from control, takes their bytes, has them
 * placed in their buffers. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define FLUSH_TOKENS 128 /* one system call returns so many tokens or more */
#define FLUSH_IDLE 8	 /* or so many calls in a row found nothing */

static int too_long(struct conn *conn, const struct request *request, uint64_t len)
{
	conn->device->log(LOG_LEVEL_WARN, __func__, __LINE__,
			  "message %u from %s has %llu bytes, but the receive posted for it has "
			  "room for %zu: the two sides disagree about sizes (is every rank running "
			  "the same program and NCCL settings?)",
			  request->seq, conn->peer, (unsigned long long)len, request->room);
	return conn_fail(conn, -EMSGSIZE, "a message was larger than its receive");
}

static int accept_message(struct conn *conn, const struct wire_record *record)
{
	struct request *request = conn_request(conn, conn->announced);

	if (conn->opened || conn->announced == conn->posted || record->seq != request->seq)
		return -EPROTO;
	if (record->len > request->room)
		return too_long(conn, request, record->len);
	if (record->via != WIRE_INLINE && record->via != WIRE_LENT &&
	    (!conn->n_streams || !request->region || !record->len))
		return -EPROTO;
	request->len = record->len;
	request->lent = record->via == WIRE_LENT;
	request->via = request->lent ? WIRE_INLINE : (enum wire_via)record->via;
	request->announced = true;
	conn->announced++;
	conn_grant_fit(conn, request);
	conn_unpack_announced(conn, request);
	if (request->via == WIRE_INLINE && request->len)
		conn->inlined = request;
	if (request->via == WIRE_CHUNKS)
		conn->opened = request;
	return request->via == WIRE_DATA
		       ? rx_stream_push(conn, record->stream, request, request->len)
		       : 0;
}

static int accept_chunk(struct conn *conn, const struct wire_record *record)
{
	struct request *request = conn->opened;
	int ret;

	if (!request || record->seq != request->seq)
		return -EPROTO;
	ret = rx_stream_push(conn, record->stream, request, record->len);
	if (request->assigned == request->len)
		conn->opened = NULL;
	return ret;
}

static int accept_record(struct conn *conn, const struct wire_record *record)
{
	int ret = -EPROTO;

	switch (record->type) {
	case WIRE_MSG:
		ret = accept_message(conn, record);
		break;
	case WIRE_CHUNK:
		ret = accept_chunk(conn, record);
		break;
	case WIRE_FIN:
		conn->end_of_control = -ECONNRESET;
		return 0;
	}
	return ret == -EPROTO ? conn_fail(conn, ret,
					  "the peer sent a control record that makes no sense here")
			      : ret;
}

static bool bounce_free(struct conn *conn)
{
	if (conn->bounce_busy && devmem_copy_done(conn->device->exporter, conn->bounce_fence) > 0)
		conn->bounce_busy = false;
	return !conn->bounce_busy && !conn->bounce_in_list;
}

/* Takes bytes of the inlined message, and records after it with the same call. */
static ssize_t receive_inline(struct conn *conn, uint8_t *to, size_t want)
{
	size_t buffered = conn->in_end - conn->in_start;
	struct iovec iov[2] = {{to, want}, {conn->in, sizeof(conn->in)}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t got;

	if (buffered) {
		got = (ssize_t)(buffered < want ? buffered : want);
		memcpy(to, conn->in + conn->in_start, (size_t)got);
		conn->in_start += (size_t)got;
		return got;
	}
	if (conn->control_dry)
		return -EAGAIN;
	got = recvmsg(conn->control_fd, &msg, MSG_DONTWAIT);
	conn->control_dry = got != 0 && got < (ssize_t)(want + sizeof(conn->in));
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (!got)
		return -ECONNRESET;
	conn->in_start = 0;
	conn->in_end = (size_t)got > want ? (size_t)got - want : 0;
	return (size_t)got > want ? (ssize_t)want : got;
}

/* 1: some bytes came, 0: none, -errno. */
static int take_inline(struct conn *conn, struct request *request)
{
	bool direct = conn_cpu_reaches(conn, request->region);
	size_t want = request->len - request->moved;
	ssize_t got;

	if (!direct) {
		if (!conn->bounce && !(conn->bounce = malloc(CONN_BOUNCE)))
			return -ENOMEM;
		if (!bounce_free(conn) || !place_room(&conn->place))
			return 0;
		want = want < CONN_BOUNCE ? want : CONN_BOUNCE;
	}
	got = receive_inline(conn, direct ? request->addr + request->moved : conn->bounce, want);
	if (got < 0)
		return got == -EAGAIN ? 0 : (int)got;
	conn->counts.rx_plain += (uint64_t)got;
	if (!direct) {
		place_add(&conn->place, request->addr + request->moved, conn->bounce, (size_t)got);
		conn->counts.placed += (uint64_t)got;
		conn->bounce_in_list = true;
		request->in_list = true;
	}
	request->moved += (size_t)got;
	if (request->moved == request->len) {
		conn->inlined = NULL;
		if (request->lent)
			return conn_note_borrowed(conn, request);
	}
	return 1;
}

static bool chunks_have_room(const struct conn *conn)
{
	for (unsigned int i = 0; i < conn->n_streams; i++)
		if (!rx_stream_has_room(conn, i))
			return false;
	return true;
}

static bool awaits_records(const struct conn *conn)
{
	return (conn->opened || conn->announced != conn->posted) && !conn->end_of_control &&
	       chunks_have_room(conn);
}

/* Reads records and inline bytes, as far as there are buffers for them. 1: something came, 0,
 * -errno. */
static int take_control(struct conn *conn)
{
	struct wire_record record;
	int ret = 1, moved = 0;

	while (ret > 0 && (conn->inlined || awaits_records(conn))) {
		if (conn->inlined) {
			ret = take_inline(conn, conn->inlined);
		} else {
			ret = conn_get_record(conn, true, &record);
			if (ret > 0) {
				ret = accept_record(conn, &record);
				ret = ret ? ret : 1;
			}
		}
		moved |= ret > 0;
	}
	if (ret < 0 && !conn->error && ret != -EPROTO && ret != -ENOMEM) {
		/* Streams may still hold what was announced. */
		conn->end_of_control = ret;
		ret = 0;
	}
	return ret < 0 ? ret : moved;
}

/* Hands the gather list to the copy engine. 1: it is empty now, 0: the engine is full, -errno. */
static int start_copies(struct conn *conn)
{
	uint64_t fence;
	int ret;

	if (!conn->place.n_pieces)
		return 1;
	ret = place_start(&conn->place, &fence);
	if (ret <= 0)
		return ret;
	for (unsigned int i = 0; i < CONN_REQUESTS; i++) {
		if (!conn->requests[i].in_list)
			continue;
		conn->requests[i].in_list = false;
		conn->requests[i].copied = true;
		conn->requests[i].fence = fence;
	}
	for (unsigned int i = 0; i < conn->n_streams; i++) {
		if (!(conn->streams_in_list >> i & 1))
			continue;
		conn->rx[i].bounce_busy = true;
		conn->rx[i].bounce_fence = fence;
	}
	conn->streams_in_list = 0;
	if (conn->bounce_in_list) {
		conn->bounce_in_list = false;
		conn->bounce_busy = true;
		conn->bounce_fence = fence;
	}
	return 1;
}

/* One round over control and all streams: 1 something moved, 0 not, -errno. */
static int round_of(struct conn *conn)
{
	int moved = 0, ret = start_copies(conn); /* what the engine could not take last time */

	if (ret <= 0)
		return ret;
	ret = take_control(conn);
	moved = ret > 0;
	for (unsigned int i = 0; ret >= 0 && i < conn->n_streams; i++) {
		ret = rx_stream_progress(conn, i);
		moved |= ret > 0;
		if (ret > 0)
			ret = start_copies(conn);
	}
	if (ret >= 0)
		ret = start_copies(conn);
	while (conn->current != conn->announced) {
		const struct request *request = conn_request(conn, conn->current);

		if (request->moved != request->len)
			break;
		conn->current++;
		moved = 1;
	}
	return ret < 0 ? ret : moved;
}

static int flush_tokens(struct conn *conn)
{
	for (unsigned int i = 0; i < conn->n_streams; i++) {
		int ret = devmem_stream_token_flush(conn->streams[i]);

		if (ret)
			return ret;
	}
	return 0;
}

/* Whether memory should not wait for a larger batch, but go back to the NIC and to others. */
static bool tokens_urgent(const struct conn *conn)
{
	if (!conn->pool)
		return false;
	if (conn->idle >= FLUSH_IDLE || conn->granting != conn->posted)
		return true;
	/* Nobody may ask about this connection again for long. */
	return conn->current == conn->posted && !budget_ample(&conn->pool->budget, &conn->share);
}

/* Tokens whose fragments are read go back to the kernel, in batches, and then pages to the pool. */
static int return_tokens(struct conn *conn, bool at_once)
{
	unsigned int batched = 0;
	struct place_token token;
	int ret;

	while ((ret = place_next(&conn->place, &token)) > 0) {
		ret = devmem_stream_token_put(conn->streams[token.stream], token.token);
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < conn->n_streams; i++)
		batched += devmem_stream_tokens_batched(conn->streams[i]);
	if (ret < 0 || (!at_once && batched < FLUSH_TOKENS))
		return ret;
	ret = flush_tokens(conn);
	if (!ret && conn->place.pages_done) {
		budget_give(&conn->pool->budget, &conn->share, conn->place.pages_done);
		conn->place.pages_done = 0;
	}
	return ret;
}

int conn_return_tokens(struct conn *conn)
{
	return return_tokens(conn, true);
}

static bool streams_have_more(const struct conn *conn)
{
	for (unsigned int i = 0; i < conn->n_streams; i++)
		if (conn->rx[i].first != conn->rx[i].end)
			return true;
	return false;
}

/* Control has ended, and all that was announced has come. */
static int check_end(struct conn *conn)
{
	bool more = conn->inlined || conn->opened || conn->announced != conn->posted;

	if (!conn->end_of_control || !more || streams_have_more(conn))
		return 0;
	return conn_fail(conn, conn->end_of_control,
			 "the peer closed the connection though messages were expected");
}

int conn_recv_progress(struct conn *conn)
{
	bool moved = false;
	int ret;

	/* A sender that has used all its grants has nothing to say before it gets the next. */
	conn->control_dry = conn_grant(conn);
	for (unsigned int i = 0; i < conn->n_streams; i++)
		conn->rx[i].dry = false;
	ret = conn_flush(conn);
	if (ret < 0 && !conn->end_of_control)
		conn->end_of_control = ret; /* what has come may still be read */
	do {
		ret = round_of(conn);
		moved |= ret > 0;
	} while (ret > 0 && conn->current != conn->posted);
	if (ret < 0)
		return ret;
	conn->idle = moved ? 0 : conn->idle + 1;
	ret = conn_say_taken(conn, false);
	if (ret < 0 && !conn->end_of_control)
		conn->end_of_control = ret;
	ret = return_tokens(conn, tokens_urgent(conn));
	if (ret < 0)
		return ret;
	ret = check_end(conn);
	return ret < 0 ? ret : moved;
}

int conn_recv_complete(struct conn *conn, struct request *request)
{
	int ret = 1;

	if (request->in_list)
		return 0;
	if (request->copied)
		ret = devmem_copy_done(conn->device->exporter, request->fence);
	if (ret <= 0)
		return ret;
	if (conn->place.n_batches)
		ret = return_tokens(conn, tokens_urgent(conn));
	if (ret >= 0 && conn->unpack)
		ret = conn_unpack_publish(conn, request);
	return ret < 0 ? ret : 1;
}

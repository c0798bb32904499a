// SPDX-License-Identifier: BSD-3-Clause
/* The receiving end of a connection: learns messages from control, takes their bytes, has them
 * placed in their buffers. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FLUSH_TOKENS 64 /* one system call returns so many tokens or more */
#define FLUSH_IDLE 8	/* or so many calls in a row found nothing */

/* Tells the sender, with the first buffer, what kind of memory it will be. */
static void tell_mode(struct conn *conn)
{
	const struct request *first = &conn->requests[conn->current % CONN_REQUESTS];

	conn->mode = first->region ? WIRE_MODE_DEVICE : WIRE_MODE_HOST;
	conn->mode_known = true;
	conn_put_record(conn, WIRE_MODE, WIRE_INLINE, 0, conn->mode);
}

static int accept_message(struct conn *conn, struct request *request,
			  const struct wire_record *record)
{
	if (record->type == WIRE_FIN)
		return conn_fail(conn, -ECONNRESET,
				 "the peer closed the connection though messages were expected");
	if (record->type != WIRE_MSG || record->seq != request->seq ||
	    (record->via == WIRE_DATA && !conn->data))
		return conn_fail(conn, -EPROTO,
				 "the peer sent a control record that makes no sense here");
	if (record->len > request->room) {
		conn->device->log(LOG_LEVEL_WARN, __func__, __LINE__,
				  "message %u from %s has %llu bytes, but the receive posted for "
				  "it has room for %zu: the two "
				  "sides disagree about sizes (is every rank running the same "
				  "program and NCCL settings?)",
				  record->seq, conn->peer, (unsigned long long)record->len,
				  request->room);
		return conn_fail(conn, -EMSGSIZE, "a message was larger than its receive");
	}
	request->len = record->len;
	request->via = (enum wire_via)record->via;
	request->announced = true;
	return 1;
}

/* Tokens go back once the copy engine has read their fragments. */
static int hold_token(struct conn *conn, uint64_t fence, uint32_t token)
{
	if (conn->n_held == (conn->held ? 1u << conn->held_order : 0)) {
		unsigned int order = conn->held ? conn->held_order + 1 : 10;
		struct held_token *held = malloc(sizeof(*held) << order);

		if (!held)
			return -ENOMEM;
		for (unsigned int i = 0; i < conn->n_held; i++)
			held[i] =
				conn->held[(conn->held_first + i) & ((1u << conn->held_order) - 1)];
		free(conn->held);
		conn->held = held;
		conn->held_order = order;
		conn->held_first = 0;
	}
	conn->held[(conn->held_first + conn->n_held++) & ((1u << conn->held_order) - 1)] =
		(struct held_token){.fence = fence, .token = token};
	return 0;
}

static int release_held(struct conn *conn)
{
	while (conn->n_held) {
		const struct held_token *first = &conn->held[conn->held_first];
		int ret = devmem_copy_done(conn->device->exporter, first->fence);

		if (ret <= 0)
			return ret;
		ret = devmem_stream_token_put(conn->data, first->token);
		if (ret)
			return ret;
		conn->held_first = (conn->held_first + 1) & ((1u << conn->held_order) - 1);
		conn->n_held--;
	}
	return 0;
}

/* Hands the gather list to the copy engine. 1: taken, 0: the engine is full, -errno. */
static int place(struct conn *conn, struct request *request)
{
	struct devmem_exporter *exporter = conn->device->exporter;
	int ret, done;

	if (!conn->n_pieces)
		return 1;
	ret = devmem_copy_start(exporter, conn->pieces, conn->n_pieces, &request->fence);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	for (unsigned int i = 0; i < conn->n_pieces; i++)
		conn->counts.placed += conn->pieces[i].len;
	conn->n_pieces = 0;
	done = devmem_copy_done(exporter, request->fence);
	if (done < 0)
		return done;
	if (conn->pieces_from_bounce && !done) {
		conn->bounce_busy = true;
		conn->bounce_fence = request->fence;
	}
	conn->pieces_from_bounce = false;
	for (unsigned int i = 0; i < conn->n_piece_tokens; i++) {
		ret = done ? devmem_stream_token_put(conn->data, conn->piece_tokens[i])
			   : hold_token(conn, request->fence, conn->piece_tokens[i]);
		if (ret)
			return ret;
	}
	conn->n_piece_tokens = 0;
	return 1;
}

/* Adds a piece, or lengthens the last one: fragments of one packet train often lie side by side. */
static void add_piece(struct conn *conn, uint8_t *dst, const uint8_t *src, size_t len)
{
	struct devmem_copy *last = conn->n_pieces ? &conn->pieces[conn->n_pieces - 1] : NULL;

	if (last && (const uint8_t *)last->src + last->len == src &&
	    (uint8_t *)last->dst + last->len == dst)
		last->len += len;
	else
		conn->pieces[conn->n_pieces++] = (struct devmem_copy){dst, src, len};
}

static bool bounce_free(struct conn *conn)
{
	if (conn->bounce_busy && devmem_copy_done(conn->device->exporter, conn->bounce_fence) > 0)
		conn->bounce_busy = false;
	return !conn->bounce_busy;
}

/* Takes bytes of the current message from the data stream. 1: some, 0: none there, -errno. */
static int take_data(struct conn *conn, struct request *request)
{
	struct devmem_frag frags[CONN_PIECES];
	unsigned int n = CONN_PIECES;
	ssize_t got;

	if (!bounce_free(conn))
		return 0;
	got = devmem_stream_recv(conn->data, request->len - request->moved, frags, &n);
	if (got == -EAGAIN)
		return 0;
	if (got <= 0)
		return got ? (int)got : -ECONNRESET;
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *src = devmem_stream_bounce(conn->data);

		if (frags[i].where == DEVMEM_FRAG_DEVICE) {
			if (frags[i].offset + frags[i].len > conn->pool->mem->size)
				return -EPROTO;
			src = conn->pool->mem->addr;
			conn->piece_tokens[conn->n_piece_tokens++] = frags[i].token;
		} else {
			conn->pieces_from_bounce = true;
		}
		add_piece(conn, request->addr + request->moved, src + frags[i].offset,
			  frags[i].len);
		request->moved += frags[i].len;
	}
	return 1;
}

/* Takes bytes of the current message from the control socket, into memory that the CPU reaches. */
static ssize_t take_inline(struct conn *conn, uint8_t *to, size_t want)
{
	size_t buffered = conn->in_end - conn->in_start;
	ssize_t got;

	if (buffered) {
		got = (ssize_t)(buffered < want ? buffered : want);
		memcpy(to, conn->in + conn->in_start, (size_t)got);
		conn->in_start += (size_t)got;
	} else {
		got = recv(conn->control, to, want, MSG_DONTWAIT);
		if (got < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		if (!got)
			return -ECONNRESET;
	}
	conn->counts.rx_plain += (size_t)got;
	return got;
}

static int take_control(struct conn *conn, struct request *request)
{
	size_t want = request->len - request->moved;
	bool direct = conn_cpu_reaches(conn, request->region);
	ssize_t got;

	if (!direct) {
		if (!conn->bounce && !(conn->bounce = malloc(CONN_BOUNCE)))
			return -ENOMEM;
		if (!bounce_free(conn))
			return 0;
		want = want < CONN_BOUNCE ? want : CONN_BOUNCE;
	}
	got = take_inline(conn, direct ? request->addr + request->moved : conn->bounce, want);
	if (got == -EAGAIN)
		return 0;
	if (got < 0)
		return (int)got;
	if (!direct) {
		add_piece(conn, request->addr + request->moved, conn->bounce, (size_t)got);
		conn->pieces_from_bounce = true;
	}
	request->moved += (size_t)got;
	return 1;
}

/* One step for the current message: 1 something moved, 0 not, -errno. */
static int step(struct conn *conn, struct request *request)
{
	struct wire_record record;
	int ret = place(conn, request); /* what the engine could not take last time */

	if (ret <= 0)
		return ret;
	if (!request->announced) {
		ret = conn_get_record(conn, &record);
		if (ret <= 0)
			return ret;
		return accept_message(conn, request, &record);
	}
	/* All bytes had come, and only the engine was late to take them. */
	if (request->moved == request->len)
		return 1;
	ret = request->via == WIRE_DATA ? take_data(conn, request) : take_control(conn, request);
	if (ret <= 0)
		return ret;
	ret = place(conn, request);
	return ret < 0 ? ret : 1;
}

static int return_tokens(struct conn *conn, bool dry)
{
	bool last = conn->current == conn->posted;
	int ret;

	if (!conn->data)
		return 0;
	ret = release_held(conn);
	if (ret < 0)
		return ret;
	/* When nothing more comes, waiting for a larger batch would only keep memory from the NIC. */
	conn->idle = dry ? conn->idle + 1 : 0;
	if (devmem_stream_tokens_batched(conn->data) >= FLUSH_TOKENS || conn->idle >= FLUSH_IDLE || last)
		return devmem_stream_token_flush(conn->data);
	return 0;
}

int conn_recv_progress(struct conn *conn)
{
	bool moved = false, dry = false;
	int ret;

	if (!conn->mode_known && conn->current != conn->posted)
		tell_mode(conn);
	ret = conn_flush(conn);
	if (ret < 0)
		return ret;
	while (conn->current != conn->posted && !dry) {
		struct request *request = &conn->requests[conn->current % CONN_REQUESTS];

		if (request->announced && request->moved == request->len && !conn->n_pieces) {
			request->state = REQUEST_MOVED;
			conn->current++;
			continue;
		}
		ret = step(conn, request);
		if (ret < 0)
			return ret;
		dry = !ret;
		moved |= ret;
	}
	ret = return_tokens(conn, dry);
	return ret < 0 ? ret : moved;
}

int conn_recv_complete(struct conn *conn, const struct request *request)
{
	int ret = request->len ? devmem_copy_done(conn->device->exporter, request->fence) : 1;

	/* Nobody may ask about this connection again for long; the pool is everybody's. */
	if (ret > 0 && conn->n_held) {
		int returned = return_tokens(conn, false);

		if (returned < 0)
			return returned;
	}
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The sending end of a connection: announces messages, gives their bytes to data streams or sends
 * them with the records. */
#include "clock.h"
#include "conn.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MAX_SEND (1024 * 1024)	 /* bytes of one sendmsg */
#define ZEROCOPY_MIN (64 * 1024) /* below, copying costs less than pinning and a notification */
#define SMALL_BYTES 512u	 /* a copy costs less than a vector of two */
#define IDLE_CHECK 64		 /* idle calls between looks at whether the peer is still there */

const struct tx_grant *conn_grant_of(const struct conn *conn, uint32_t seq)
{
	const struct tx_grant *grant = &conn->grants[seq % CONN_GRANTS];

	return grant->known && grant->seq == seq ? grant : NULL;
}

static int note_grant(struct conn *conn, const struct wire_record *record)
{
	struct tx_grant *grant = &conn->grants[record->seq % CONN_GRANTS];
	uint32_t ahead = record->seq - conn->current;

	if (record->type != WIRE_GRANT || !conn->n_streams || record->via > WIRE_DATA)
		return -EPROTO;
	if ((int32_t)ahead < 0)
		return 0; /* an empty message needs no grant and may have gone */
	if (ahead >= CONN_GRANTS)
		return -EPROTO;
	if (grant->known && grant->seq == record->seq && record->len < grant->bytes)
		return -EPROTO;
	*grant = (struct tx_grant){.seq = record->seq,
				   .known = true,
				   .via = (enum wire_via)record->via,
				   .bytes = record->len};
	return 1;
}

/* 1: the receiver has said something, 0: not, -errno: it is gone or mad. */
static int hear(struct conn *conn)
{
	struct wire_record record;
	bool fill = true;
	int heard = 0, ret;

	conn->control_dry = false;
	while ((ret = conn_get_record(conn, fill, &record)) > 0) {
		ret = record.type == WIRE_TAKEN ? conn_note_taken(conn, &record)
						: note_grant(conn, &record);
		if (ret < 0)
			return ret;
		heard |= ret;
		fill = false;
	}
	return ret < 0 ? ret : heard;
}

/* What the NIC does not read itself leaves no trace when it is acknowledged: the socket knows. */
static void refresh_loads(struct conn *conn)
{
	for (unsigned int i = 0; i < conn->n_streams; i++) {
		const struct tx_stream *tx = &conn->tx[i];
		int unacknowledged = 0;
		size_t left;

		if (!tx->copies)
			continue;
		(void)ioctl(devmem_stream_fd(conn->streams[i]), SIOCOUTQ, &unacknowledged);
		left = conn->loads[i].waiting + (size_t)unacknowledged;
		if (left < conn->loads[i].under_way)
			sched_acknowledged(&conn->loads[i], conn->loads[i].under_way - left,
					   clock_ns());
	}
}

static int pick_stream(struct conn *conn, size_t len)
{
	struct sched_load loads[WIRE_STREAMS];

	if (conn->n_streams == 1)
		return tx_stream_has_room(conn, 0) ? 0 : -1;
	refresh_loads(conn);
	memcpy(loads, conn->loads, sizeof(loads));
	for (unsigned int i = 0; i < conn->n_streams; i++)
		if (!tx_stream_has_room(conn, i))
			loads[i].waiting = SCHED_WAITING;
	return sched_pick(loads, conn->n_streams, conn->last_stream, len);
}

/* Gives the next @len bytes of @request to a stream, as @record says. False: later. */
static bool give(struct conn *conn, struct request *request, struct wire_record *record, size_t len)
{
	int stream = pick_stream(conn, len);

	if (stream < 0)
		return false;
	record->stream = (uint8_t)stream;
	if (!conn_put_record(conn, record))
		return false;
	tx_stream_push(conn, (unsigned int)stream, request, request->assigned, len);
	request->assigned += len;
	conn->last_stream = (unsigned int)stream;
	return true;
}

/* The way that suits what the receiver has said. False: it has said nothing yet. */
static bool choose_via(struct conn *conn, struct request *request)
{
	const struct tx_grant *grant;

	request->via = WIRE_INLINE;
	if (!request->len || !conn->n_streams)
		return true;
	grant = conn_grant_of(conn, request->seq);
	if (!grant) {
		conn->starved = true;
		return false;
	}
	if (grant->via == WIRE_DATA)
		request->via = conn->n_streams > 1 && request->len > SCHED_CHUNK_MIN ? WIRE_CHUNKS
										     : WIRE_DATA;
	return true;
}

/* Small messages travel with the records: one system call for several of them. */
static bool is_small(const struct conn *conn, const struct request *request)
{
	return request->via == WIRE_INLINE && request->len <= SMALL_BYTES &&
	       conn_cpu_reaches(conn, request->region);
}

static void append_small(struct conn *conn, struct request *request)
{
	if (!request->len)
		return;
	memcpy(conn->out + conn->out_len, request->addr, request->len);
	conn->out_len += request->len;
	request->moved = request->len;
	if (request->region)
		conn->counts.tx_staged += request->len;
	else
		conn->counts.tx_copied += request->len;
}

static bool announce(struct conn *conn, struct request *request)
{
	struct wire_record record = {.type = WIRE_MSG, .seq = request->seq, .len = request->len};

	if (!choose_via(conn, request))
		return false;
	if (is_small(conn, request) &&
	    conn->out_len + WIRE_RECORD_BYTES + request->len > sizeof(conn->out))
		return false;
	record.via = (uint8_t)(conn_may_lend(conn, request) ? WIRE_LENT : request->via);
	if (request->via == WIRE_DATA ? !give(conn, request, &record, request->len)
				      : !conn_put_record(conn, &record))
		return false;
	if (request->via == WIRE_CHUNKS)
		conn->opened = request;
	if (is_small(conn, request)) {
		append_small(conn, request);
	} else if (request->via == WIRE_INLINE) {
		conn->inlined = request;
		conn->staged = 0;
	}
	request->announced = true;
	request->lent = record.via == WIRE_LENT;
	conn->lent += request->lent;
	conn->announced++;
	return true;
}

/* Announces the next chunk of the message that is given out piece by piece. */
static bool give_chunk(struct conn *conn, struct request *request)
{
	struct wire_record record = {.type = WIRE_CHUNK, .seq = request->seq};
	const struct tx_grant *grant = conn_grant_of(conn, request->seq);
	size_t len = sched_chunk(request->len, conn->n_streams);

	if (len > request->len - request->assigned)
		len = request->len - request->assigned;
	if (len > grant->bytes - request->assigned)
		len = grant->bytes - request->assigned;
	if (!len) {
		conn->starved = true;
		return false;
	}
	record.len = len;
	if (!give(conn, request, &record, len))
		return false;
	if (request->assigned == request->len)
		conn->opened = NULL;
	return true;
}

/* Announces what can be, so that one system call tells of many. The bytes of an inline message must
 * follow its record at once, with no other among them. */
static void assign(struct conn *conn)
{
	while (!conn->inlined) {
		if (conn->opened ? !give_chunk(conn, conn->opened)
				 : conn->announced == conn->posted ||
					   !announce(conn, conn_request(conn, conn->announced)))
			break;
	}
}

/* Host bytes of the inlined message: its memory, or a copy when the CPU cannot read that. 1, 0 not
 * there yet, -errno. */
static int inline_bytes(struct conn *conn, const struct request *request, const uint8_t **bytes,
			size_t *n)
{
	ssize_t filled;

	if (conn_cpu_reaches(conn, request->region)) {
		*bytes = request->addr + request->moved;
		*n = request->len - request->moved;
		return 1;
	}
	while (conn->staged < request->len) {
		filled = stage_fill(&conn->stage, request->addr + conn->staged,
				    request->len - conn->staged);
		if (filled < 0)
			return (int)filled;
		if (!filled)
			break;
		conn->staged += (size_t)filled;
	}
	return stage_peek(&conn->stage, bytes, n);
}

/* Sends records and, in the same call, bytes. Returns the number of bytes sent or -errno. */
static ssize_t send_with_records(struct conn *conn, const uint8_t *bytes, size_t n)
{
	struct iovec iov[2] = {{conn->out, conn->out_len}, {(void *)bytes, n}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t sent = sendmsg(conn->control_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	size_t records;

	if (sent < 0)
		return errno == EINTR || errno == ENOBUFS ? -EAGAIN : -errno;
	records = (size_t)sent < conn->out_len ? (size_t)sent : conn->out_len;
	conn->out_len -= records;
	memmove(conn->out, conn->out + records, conn->out_len);
	return conn->out_len ? -EAGAIN : sent - (ssize_t)records;
}

static ssize_t send_zerocopy(struct conn *conn, struct request *request, const uint8_t *bytes,
			     size_t n)
{
	ssize_t sent;
	int ret = conn_flush(conn);

	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	sent = devmem_stream_send_host(conn->control, bytes, n, true, &request->completion);
	/* It may have found that it must copy. */
	if (sent > 0 && devmem_stream_zerocopy_pays(conn->control))
		request->zerocopy = true;
	return sent;
}

static void count_inline(struct conn *conn, struct request *request, size_t n)
{
	if (!conn_cpu_reaches(conn, request->region))
		stage_take(&conn->stage, n);
	if (request->region)
		conn->counts.tx_staged += n;
	else
		conn->counts.tx_copied += n;
	request->moved += n;
}

/* 1: the message is through, 0: the socket is full or bytes are not there yet, -errno. */
static int send_inlined(struct conn *conn, struct request *request, bool *moved)
{
	while (request->moved < request->len) {
		const uint8_t *bytes;
		size_t n;
		ssize_t sent;
		int ret = inline_bytes(conn, request, &bytes, &n);

		if (ret <= 0)
			return ret;
		n = n < MAX_SEND ? n : MAX_SEND;
		if (request->lent)
			sent = conn_send_lent(conn, bytes, n);
		else if (n >= ZEROCOPY_MIN && conn_cpu_reaches(conn, request->region) &&
			 devmem_stream_zerocopy_pays(conn->control))
			sent = send_zerocopy(conn, request, bytes, n);
		else
			sent = send_with_records(conn, bytes, n);
		if (sent == -EOPNOTSUPP)
			sent = send_with_records(conn, bytes, n);
		/* Room for notifications comes back when they are read. */
		if (sent == -EAGAIN && request->zerocopy)
			ret = devmem_stream_reap(conn->control);
		if (sent == -EAGAIN)
			return ret < 0 ? ret : 0;
		if (sent < 0)
			return (int)sent;
		count_inline(conn, request, (size_t)sent);
		*moved = true;
	}
	conn->inlined = NULL;
	return 1;
}

/* What the peer has acknowledged, which ends messages. The error queue says which sends; a broken
 * socket shows at the next send. */
int conn_reap(struct conn *conn)
{
	int ret = 0;

	if (conn->reaped)
		return 0;
	conn->reaped = true;
	for (unsigned int i = 0; i < conn->n_streams && ret >= 0; i++)
		ret = tx_stream_reap(conn, i);
	(void)devmem_stream_reap(conn->control);
	return ret;
}

/* Before chunks are given out: how far each stream has got. */
static int learn_speeds(struct conn *conn)
{
	if (conn->n_streams < 2 || (!conn->opened && conn->announced == conn->posted))
		return 0;
	return conn_reap(conn);
}

/* Records, and the inline message among them. 1: all is sent, 0: the socket is full, -errno. */
static int send_control(struct conn *conn, bool *moved)
{
	if (conn->inlined)
		return send_inlined(conn, conn->inlined, moved);
	return conn_flush(conn);
}

/* Asks for grants at most once, and before records are sent, so that one call tells of all. */
static int assign_granted(struct conn *conn, bool *heard)
{
	int ret;

	assign(conn);
	if (!conn->starved || *heard)
		return 0;
	*heard = true;
	ret = hear(conn);
	if (ret <= 0)
		return ret;
	conn->starved = false;
	assign(conn);
	return 0;
}

static int move(struct conn *conn, bool heard, bool *moved)
{
	bool inlined;
	int ret = learn_speeds(conn);

	if (ret < 0)
		return ret;
	do {
		ret = assign_granted(conn, &heard);
		if (ret < 0)
			return ret;
		inlined = conn->inlined;
		ret = send_control(conn, moved);
	} while (inlined && ret > 0);
	for (unsigned int i = 0; ret >= 0 && i < conn->n_streams; i++) {
		ret = tx_stream_progress(conn, i);
		*moved |= ret > 0;
	}
	while (conn->current != conn->announced) {
		const struct request *request = conn_request(conn, conn->current);

		if (request->moved != request->len)
			break;
		conn->current++;
		*moved = true;
	}
	return ret < 0 ? ret : 0;
}

int conn_send_progress(struct conn *conn)
{
	bool moved = false, heard = conn->starved || conn->lent;
	int ret = 0;

	/* What was missing last time may have come. */
	if (heard) {
		ret = hear(conn);
		conn->starved = false;
	}
	if (ret >= 0)
		ret = move(conn, heard, &moved);
	if (ret < 0)
		return ret;
	if (moved)
		return 1;
	/* One that sends does not wait; and what is acknowledged meanwhile is told at once. */
	ret = conn_reap(conn);
	if (ret < 0)
		return ret;
	/* A peer that has died shows on its own when bytes are to be sent; here for those that
	 * wait. One that has all bytes may close first. */
	if (++conn->idle % IDLE_CHECK || conn->current == conn->posted)
		return 0;
	return hear(conn);
}

int conn_send_complete(struct conn *conn, struct request *request)
{
	int ret;

	if (request->chunks || request->lent)
		return 0;
	if (conn->out_len) {
		ret = conn_flush(conn);
		if (ret <= 0)
			return ret;
	}
	return !request->zerocopy || devmem_stream_sent(conn->control, request->completion);
}

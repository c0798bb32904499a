// SPDX-License-Identifier: BSD-3-Clause
/* A connection from its making to its end: requests, control records, failure. */
#include "conn.h"
#include "error.h"
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Notices a peer that has gone without a word: the kernel ends the connection after @seconds. */
static void tune(int fd, unsigned int seconds)
{
	int one = 1, milliseconds = (int)seconds * 1000, idle = (int)(seconds + 3) / 4, probes = 3;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}

int conn_new(struct device *device, bool sender, int control, int data_fd, struct pool *pool,
	     const struct sockaddr_storage *peer, struct conn **conn, struct devmem_error *err)
{
	struct conn *new = calloc(1, sizeof(*new));
	int ret;

	*conn = NULL;
	if (!new) {
		close(control);
		if (data_fd >= 0)
			close(data_fd);
		return devmem_error_set(err, -ENOMEM, "out of memory");
	}
	new->device = device_get(device);
	new->pool = pool;
	new->sender = sender;
	new->control = control;
	sockaddr_text(peer, new->peer);
	tune(control, device->options.peer_timeout_s);
	if (data_fd >= 0) {
		tune(data_fd, device->options.peer_timeout_s);
		ret = devmem_stream_open(data_fd, CONN_BOUNCE, &new->data, err);
		if (ret) {
			close(data_fd);
			conn_close(new);
			return ret;
		}
	}
	for (unsigned int i = 0; i < CONN_REQUESTS; i++)
		new->requests[i].conn = new;
	PROBE4(conn_open, new, sender, new->peer, control);
	*conn = new;
	return 0;
}

static void add_counts(struct conn *conn)
{
	struct stat_totals *totals = conn->device->totals;
	const struct conn_counts *counts = &conn->counts;
	struct devmem_stream_stats stats;

	if (conn->data) {
		devmem_stream_stats_get(conn->data, &stats);
		stat_add_received(totals, &stats);
	}
	stat_add(&totals->tx_device, counts->tx_device);
	stat_add(&totals->tx_copied, counts->tx_copied);
	stat_add(&totals->tx_staged, counts->tx_staged);
	stat_add(&totals->rx_plain, counts->rx_plain);
	stat_add(&totals->placed, counts->placed);
	stat_add(&totals->sends, counts->sends);
	stat_add(&totals->recvs, counts->recvs);
}

void conn_close(struct conn *conn)
{
	if (!conn)
		return;
	PROBE3(conn_close, conn, conn->posted, conn->error);
	if (conn->sender && !conn->error)
		conn_put_record(conn, WIRE_FIN, WIRE_INLINE, conn->posted, 0);
	if (!conn->error)
		(void)conn_flush(conn);
	/* A socket closed with unread bytes resets the connection, and what is under way to the peer
	 * is lost. All that a sender is ever sent is one record. */
	if (conn->sender && conn_fill(conn) > 0)
		(void)conn_fill(conn);
	if (conn->data)
		(void)devmem_stream_token_flush(conn->data);
	add_counts(conn);
	if (conn->pool)
		pool_stream_gone(conn->pool, devmem_stream_fd(conn->data));
	devmem_stream_close(conn->data);
	shutdown(conn->control, SHUT_WR);
	close(conn->control);
	free(conn->bounce);
	free(conn->held);
	device_put(conn->device);
	free(conn);
}

int conn_fail(struct conn *conn, int code, const char *what)
{
	struct device *device = conn->device;

	if (conn->error)
		return conn->error;
	conn->error = code;
	PROBE3(conn_fail, conn, code, what);
	device->log(LOG_LEVEL_WARN, __func__, __LINE__,
		    "%s %s on %s: %s: %s; %u of %u messages were %s; %s",
		    conn->sender ? "sending to" : "receiving from", conn->peer, device->nic.name,
		    what, strerror(-code), conn->current, conn->posted,
		    conn->sender ? "sent" : "received", error_advice(code));
	return code;
}

int conn_post(struct conn *conn, void *addr, size_t size, const struct region *region,
	      struct request **request)
{
	struct request *slot = &conn->requests[conn->posted % CONN_REQUESTS];

	*request = NULL;
	if (conn->error)
		return conn->error;
	if (slot->state != REQUEST_FREE)
		return 0;
	*slot = (struct request){
		.conn = conn,
		.state = REQUEST_QUEUED,
		.seq = conn->posted++,
		.addr = addr,
		.room = size,
		.len = conn->sender ? size : 0,
		.region = region,
	};
	PROBE4(post, conn, slot->seq, size, conn->sender);
	*request = slot;
	return 0;
}

static int complete(struct conn *conn, struct request *request)
{
	if (request->state != REQUEST_MOVED)
		return 0;
	return conn->sender ? conn_send_complete(conn, request) : conn_recv_complete(conn, request);
}

int conn_test(struct request *request, size_t *len)
{
	struct conn *conn = request->conn;
	int ret;

	if (conn->error)
		return conn->error;
	ret = complete(conn, request);
	if (!ret) {
		ret = conn->sender ? conn_send_progress(conn) : conn_recv_progress(conn);
		if (ret >= 0)
			ret = complete(conn, request);
	}
	if (ret < 0)
		return conn_fail(conn, ret, "the connection broke");
	if (!ret)
		return 0;
	*len = request->len;
	PROBE4(done, conn, request->seq, request->len, conn->sender);
	request->state = REQUEST_FREE;
	if (conn->sender)
		conn->counts.sends++;
	else
		conn->counts.recvs++;
	return 1;
}

void conn_put_record(struct conn *conn, enum wire_record_type type, enum wire_via via, uint32_t seq,
		     uint64_t len)
{
	struct wire_record record = {
		.type = (uint8_t)type, .via = (uint8_t)via, .seq = seq, .len = len};

	if (conn->out_len + WIRE_RECORD_BYTES > sizeof(conn->out))
		return; /* only the last record of a connection that is stuck comes here */
	wire_put_record(conn->out + conn->out_len, &record);
	conn->out_len += WIRE_RECORD_BYTES;
}

int conn_flush(struct conn *conn)
{
	ssize_t sent;

	if (!conn->out_len)
		return 1;
	sent = send(conn->control, conn->out, conn->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -errno;
	conn->out_len -= (size_t)sent;
	memmove(conn->out, conn->out + sent, conn->out_len);
	return conn->out_len == 0;
}

int conn_fill(struct conn *conn)
{
	ssize_t n;

	if (conn->in_start == conn->in_end)
		conn->in_start = conn->in_end = 0;
	if (conn->in_start) {
		memmove(conn->in, conn->in + conn->in_start, conn->in_end - conn->in_start);
		conn->in_end -= conn->in_start;
		conn->in_start = 0;
	}
	n = recv(conn->control, conn->in + conn->in_end, sizeof(conn->in) - conn->in_end,
		 MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	conn->in_end += (size_t)n;
	return 1;
}

int conn_get_record(struct conn *conn, struct wire_record *record)
{
	int ret = wire_get_record(conn->in + conn->in_start, conn->in_end - conn->in_start, record);

	if (ret == -EAGAIN) {
		ret = conn_fill(conn);
		if (ret <= 0)
			return ret;
		ret = wire_get_record(conn->in + conn->in_start, conn->in_end - conn->in_start,
				      record);
	}
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	conn->in_start += WIRE_RECORD_BYTES;
	return 1;
}

bool conn_cpu_reaches(const struct conn *conn, const struct region *region)
{
	return !region || devmem_exporter_cpu_reaches(conn->device->exporter);
}

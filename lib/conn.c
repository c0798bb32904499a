// SPDX-License-Identifier: BSD-3-Clause
/* A connection from its making to its end, and its requests. */
#include "conn.h"
#include "probe.h"
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROL_BOUNCE 4096 /* control sockets are read by other means */
#define NEAR_US 100	    /* round trips of a peer that takes bytes as fast as they are written */
#define SEND_BUFFER_MIN (1024 * 1024)
#define SEND_BUFFER_MAX (4 * 1024 * 1024)
#define SEND_BUFFER_ANYBODY                                                  \
	(2 * 212992) /* what net.core.wmem_max allows, unless it was changed \
		      */

/* Bytes under way on a connection of @rtt_us at the NIC's speed. */
static size_t in_flight(const struct devmem_nic *nic, unsigned int rtt_us)
{
	return (size_t)nic->speed_mbps / 8 * rtt_us;
}

/* Asked once: it costs three system calls. */
static bool has_processor_for_peer(void)
{
	static long processors;
	long n = __atomic_load_n(&processors, __ATOMIC_RELAXED);

	if (!n) {
		n = sysconf(_SC_NPROCESSORS_ONLN);
		__atomic_store_n(&processors, n, __ATOMIC_RELAXED);
	}
	return n > 1;
}

/*
 * Bytes that wait in a send buffer go cold before they are sent: on loopback a sender of 1 MiB
 * messages is a quarter faster with 1 MiB of buffer than with the 4 MiB that the kernel grows it
 * to. So where the peer is near, four times what is under way do, or 1 MiB. Where it is not, or
 * may share the only processor with the sender, more is better.
 */
static void limit_send_buffer(int fd, const struct devmem_nic *nic)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	size_t bytes;
	int half;

	if (!has_processor_for_peer() || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ||
	    !info.tcpi_rtt || info.tcpi_rtt > NEAR_US)
		return;
	bytes = 4 * in_flight(nic, info.tcpi_rtt);
	if (bytes > SEND_BUFFER_MAX)
		return; /* the kernel knows better */
	half = (bytes < SEND_BUFFER_MIN ? SEND_BUFFER_MIN : (int)bytes) / 2;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &half, sizeof(half)) &&
	    bytes <= SEND_BUFFER_ANYBODY)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
}

static int open_sockets(struct conn *conn, struct conn_parts *parts, struct devmem_error *err)
{
	unsigned int seconds = conn->device->options.peer_timeout_s;
	int ret;

	sockopt_peer_timeout(parts->control_fd, seconds);
	sockopt_probe_peer(parts->control_fd, seconds);
	if (conn->sender)
		limit_send_buffer(parts->control_fd, &conn->device->nic);
	ret = devmem_stream_open(parts->control_fd, CONTROL_BOUNCE, &conn->control, err);
	if (ret)
		return ret;
	conn->control_fd = parts->control_fd;
	parts->control_fd = -1;
	for (unsigned int i = 0; i < parts->n_streams; i++) {
		if (conn->sender) /* a receiver's have it from their listener, and they probe */
			sockopt_peer_timeout(parts->stream_fds[i], seconds);
		ret = devmem_stream_open(parts->stream_fds[i], CONN_RECEIVE, &conn->streams[i],
					 err);
		if (ret)
			return ret;
		parts->stream_fds[i] = -1;
		conn->n_streams++;
	}
	return 0;
}

static int alloc_streams(struct conn *conn, unsigned int n, struct devmem_error *err)
{
	if (conn->sender)
		conn->tx = calloc(n, sizeof(*conn->tx));
	else
		conn->rx = calloc(n, sizeof(*conn->rx));
	if (n && !conn->tx && !conn->rx)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	for (unsigned int i = 0; conn->tx && i < n; i++)
		conn->tx[i].stage.exporter = conn->device->exporter;
	return 0;
}

/*
 * Now, where it is known that payload will pass through host memory, since page-locking is nothing
 * for the data path. A connection that comes to need it later, or cannot have it, takes ordinary
 * memory and waits for its copies.
 */
static void make_staging(struct conn *conn)
{
	struct device *device = conn->device;
	bool staged;

	if (devmem_exporter_cpu_reaches(device->exporter))
		return;
	pthread_mutex_lock(&device->lock);
	staged = conn->looped || device->plan.tx != PLAN_TX_DEVICE;
	pthread_mutex_unlock(&device->lock);
	if (conn->n_streams) {
		for (unsigned int i = 0; conn->sender && staged && i < conn->n_streams; i++)
			stage_prepare(&conn->tx[i].stage);
	} else if (conn->sender) {
		stage_prepare(&conn->stage);
	} else {
		conn->bounce = devmem_staging_alloc(device->exporter, CONN_BOUNCE);
		conn->bounce_staging = conn->bounce;
	}
}

/* The kernel loops back what is sent to an address of its own. */
static bool is_looped(const struct device *device, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage own = device->nic.addr;

	sockaddr_set_port(&own, sockaddr_port(peer));
	return sockaddr_equal(&own, peer);
}

static void close_parts(struct conn_parts *parts)
{
	if (parts->control_fd >= 0)
		close(parts->control_fd);
	for (unsigned int i = 0; i < parts->n_streams; i++)
		if (parts->stream_fds[i] >= 0)
			close(parts->stream_fds[i]);
	if (parts->pool)
		budget_leave(&parts->pool->budget, &parts->share);
}

int conn_new(struct device *device, const struct conn_parts *given, struct conn **conn,
	     struct devmem_error *err)
{
	struct conn *new = calloc(1, sizeof(*new));
	struct conn_parts parts = *given;
	int ret;

	*conn = NULL;
	if (!new) {
		close_parts(&parts);
		return devmem_error_set(err, -ENOMEM, "out of memory");
	}
	new->device = device_get(device);
	new->sender = parts.sender;
	new->looped = parts.sender && is_looped(device, parts.peer);
	new->control_fd = -1;
	new->pool = parts.pool;
	new->share = parts.share;
	parts.pool = NULL;
	new->stage.exporter = device->exporter;
	place_init(&new->place, device->exporter);
	sockaddr_text(parts.peer, new->peer);
	ret = alloc_streams(new, parts.n_streams, err);
	if (!ret)
		ret = open_sockets(new, &parts, err);
	if (ret) {
		close_parts(&parts);
		new->error = ret;
		conn_close(new);
		return ret;
	}
	make_staging(new);
	if (new->looped)
		device->log(LOG_LEVEL_INFO, __func__, __LINE__,
			    "sending to %s on %s by way of host memory: it is this host's own "
			    "address, and the kernel loops such packets back past the NIC",
			    new->peer, device->nic.ifname);
	PROBE4(conn_open, new, new->sender, new->peer, new->control_fd);
	*conn = new;
	return 0;
}

void conn_tell(struct conn *conn)
{
	struct stat_totals *totals = conn->device->totals;
	const struct conn_counts *counts = &conn->counts;
	struct stat_totals now = {
		.tx_device = counts->tx_device,
		.tx_copied = counts->tx_copied,
		.tx_staged = counts->tx_staged,
		.rx_plain = counts->rx_plain,
		.placed = counts->placed,
		.unpacked = counts->unpacked,
		.sends = counts->sends,
		.recvs = counts->recvs,
	};
	struct devmem_stream_stats stats;

	for (unsigned int i = 0; i < conn->n_streams; i++) {
		devmem_stream_stats_get(conn->streams[i], &stats);
		stat_add_received(&now, &stats);
	}
	stat_add_change(totals, &now, &conn->told);
	if (conn->pool)
		stat_pool(totals, conn->pool->budget.total, budget_low(&conn->pool->budget));
}

static void say_last_words(struct conn *conn)
{
	if (conn->lent) {
		sockopt_reset(conn->control_fd); /* the memory may change from now on */
		return;
	}
	if (!conn->sender)
		(void)conn_say_taken(conn, true);
	else if (!(conn->inlined && conn->inlined->moved))
		(void)conn_put_record(conn,
				      &(struct wire_record){.type = WIRE_FIN, .seq = conn->posted});
	(void)conn_flush(conn);
}

/* The socket stays until the peer has all that was said. */
static void close_control(struct conn *conn)
{
	int fd;

	if (conn->control_fd < 0)
		return;
	if (!conn->error)
		say_last_words(conn);
	fd = devmem_stream_detach(conn->control);
	linger_add(&conn->device->lingering, fd, (int)conn->device->options.peer_timeout_s * 1000);
}

void conn_close(struct conn *conn)
{
	if (!conn)
		return;
	PROBE3(conn_close, conn, conn->posted, conn->error);
	for (unsigned int i = 0; i < conn->n_streams; i++)
		(void)devmem_stream_token_flush(conn->streams[i]);
	conn_tell(conn);
	close_control(conn);
	for (unsigned int i = 0; i < conn->n_streams; i++) {
		devmem_stream_close(conn->streams[i]);
		if (conn->tx)
			stage_destroy(&conn->tx[i].stage);
	}
	if (conn->pool)
		budget_leave(&conn->pool->budget, &conn->share);
	stage_destroy(&conn->stage);
	place_destroy(&conn->place);
	unpack_free(conn->unpack);
	if (conn->bounce_staging)
		devmem_staging_free(conn->device->exporter, conn->bounce);
	else
		free(conn->bounce);
	free(conn->tx);
	free(conn->rx);
	linger_sweep(&conn->device->lingering);
	device_put(conn->device);
	free(conn);
}

int conn_post(struct conn *conn, void *addr, size_t size, const struct region *region,
	      struct request **request)
{
	struct request *slot = conn_request(conn, conn->posted);

	*request = NULL;
	if (conn->error)
		return conn->error;
	if (slot->busy || !conn_may_post(conn))
		return 0;
	*slot = (struct request){
		.conn = conn,
		.busy = true,
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
	if (!request->announced || request->moved != request->len)
		return 0;
	return conn->sender ? conn_send_complete(conn, request) : conn_recv_complete(conn, request);
}

static int progress(struct conn *conn, const struct request *request)
{
	if (!conn->sender)
		return conn_recv_progress(conn);
	/* When only its acknowledgement is missing, the caller soon posts what can go with the
	 * rest. */
	if (request->announced && request->moved == request->len && request->chunks) {
		int ret = conn_reap(conn);

		if (ret < 0 || !request->chunks)
			return ret;
	}
	return conn_send_progress(conn);
}

int conn_begin(struct conn *conn)
{
	int ret;

	if (conn->posted - conn->ended != 1)
		return 0;
	conn->reaped = false;
	ret = conn_send_progress(conn);
	return ret < 0 ? conn_fail(conn, ret, "the connection broke") : 0;
}

int conn_test(struct request *request, size_t *len)
{
	struct conn *conn = request->conn;
	int ret;

	if (conn->error)
		return conn->error;
	conn->reaped = false;
	ret = complete(conn, request);
	if (!ret) {
		ret = progress(conn, request);
		if (ret >= 0)
			ret = complete(conn, request);
	}
	if (ret < 0)
		return conn_fail(conn, ret, "the connection broke");
	if (!ret)
		return 0;
	*len = request->len;
	PROBE4(done, conn, request->seq, request->len, conn->sender);
	request->done = true;
	conn->ended++;
	request->busy = conn->unpack != NULL;
	if (conn->sender)
		conn->counts.sends++;
	else
		conn->counts.recvs++;
	return 1;
}

bool conn_cpu_reaches(const struct conn *conn, const struct region *region)
{
	return !region || devmem_exporter_cpu_reaches(conn->device->exporter);
}

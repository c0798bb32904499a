// SPDX-License-Identifier: BSD-3-Clause
/* The end of a connection by a failure: what the user and the peer are told. */
#include "conn.h"
#include "error.h"
#include "probe.h"
#include "sockopt.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

/* What TCP knows of a socket, for instance "control: rtt 0.12 ms, 3 retransmitted". */
static int tell_socket(char *text, size_t room, const char *name, int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		return 0;
	return snprintf(text, room,
			"; %s: rtt %u.%02u ms, %u segments retransmitted, %u unacknowledged, "
			"last heard of %u ms ago",
			name, info.tcpi_rtt / 1000, info.tcpi_rtt % 1000 / 10,
			info.tcpi_total_retrans, info.tcpi_unacked,
			info.tcpi_last_data_recv < info.tcpi_last_ack_recv
				? info.tcpi_last_data_recv
				: info.tcpi_last_ack_recv);
}

static void tell_sockets(const struct conn *conn, char *text, size_t room)
{
	size_t used = 0;
	char name[24];

	text[0] = '\0';
	used += (size_t)tell_socket(text, room, "control", conn->control_fd);
	for (unsigned int i = 0; i < conn->n_streams && used < room; i++) {
		snprintf(name, sizeof(name), "stream %u", i);
		used += (size_t)tell_socket(text + used, room - used, name,
					    devmem_stream_fd(conn->streams[i]));
	}
}

static uint64_t bytes_of_payload(const struct conn *conn)
{
	const struct conn_counts *counts = &conn->counts;
	uint64_t bytes = counts->tx_device + counts->tx_copied + counts->tx_staged +
			 counts->rx_plain;

	for (unsigned int i = 0; !conn->sender && i < conn->n_streams; i++) {
		struct devmem_stream_stats stats;

		devmem_stream_stats_get(conn->streams[i], &stats);
		bytes += stats.rx_device + stats.rx_linear + stats.rx_plain;
	}
	return bytes;
}

static void tell_progress(struct conn *conn, char *text, size_t room)
{
	const struct request *request = conn_request(conn, conn->current);
	const char *how = conn->sender ? "sent" : "received";
	int used = snprintf(text, room, "%llu bytes were %s, %u of %u messages",
			    (unsigned long long)bytes_of_payload(conn), how, conn->current,
			    conn->posted);

	if (conn->current != conn->posted && request->moved && used > 0 && (size_t)used < room)
		snprintf(text + used, room - (size_t)used, " and %zu of %zu bytes of the next",
			 request->moved, request->len);
}

/* A record cannot be put among the bytes of a message. */
static void tell_peer(struct conn *conn, int code, const char *what)
{
	size_t length = strnlen(what, WIRE_REASON);

	if ((conn->sender && conn->inlined && conn->inlined->moved) ||
	    conn->out_len + WIRE_RECORD_BYTES + length > sizeof(conn->out) ||
	    !conn_put_record(conn, &(struct wire_record){.type = WIRE_ABORT,
							 .seq = (uint32_t)-code,
							 .len = length}))
		return;
	memcpy(conn->out + conn->out_len, what, length);
	conn->out_len += length;
	(void)conn_flush(conn);
}

int conn_fail(struct conn *conn, int code, const char *what)
{
	struct device *device = conn->device;
	char progress[160], sockets[768];
	struct devmem_error trouble;

	if (conn->error)
		return conn->error;
	conn->error = code;
	PROBE3(conn_fail, conn, code, what);
	devmem_exporter_trouble(device->exporter, &trouble);
	tell_progress(conn, progress, sizeof(progress));
	tell_sockets(conn, sockets, sizeof(sockets));
	device->log(LOG_LEVEL_WARN, __func__, __LINE__, "%s %s on %s: %s: %s; %s%s; %s",
		    conn->sender ? "sending to" : "receiving from", conn->peer, device->nic.name,
		    what, trouble.code == code ? trouble.text : strerror(-code), progress, sockets,
		    error_advice(code));
	if (conn->lent)
		sockopt_reset(conn->control_fd); /* so that the peer takes no more of them */
	else
		tell_peer(conn, code, what);
	return code;
}

int conn_aborted(struct conn *conn, const struct wire_record *record, const char *text)
{
	char what[WIRE_REASON + 64], *c;

	snprintf(what, sizeof(what), "the peer gave up: %s (%s)", text, strerror((int)record->seq));
	for (c = what; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return conn_fail(conn, -ECONNABORTED, what);
}

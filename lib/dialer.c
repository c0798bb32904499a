// SPDX-License-Identifier: BSD-3-Clause
/* The sending side of a handshake: opens the data streams and the control socket, says hello, waits
 * for ready. */
#include "clock.h"
#include "connect.h"
#include "error.h"
#include "probe.h"
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS 100 /* after a refused connection: the other side may not listen yet */
#define SEND_BUFFER (8 * 1024 * 1024)

enum dialer_state {
	DIALER_WAITING,	   /* until retry_ms, then sockets are opened */
	DIALER_CONNECTING, /* until all sockets are connected or one has failed */
	DIALER_GREETED,	   /* hello is sent; until ready has come */
	DIALER_ENDED,
};

struct dialer {
	enum dialer_state state;
	struct device *device;
	struct wire_handle handle;
	int traffic_class;
	int control;
	unsigned int n_streams;
	int streams[WIRE_STREAMS];
	int64_t deadline_ms, retry_ms;
	int last_error;
	uint8_t answer[WIRE_READY_BYTES];
	size_t answered;
};

int dialer_new(struct device *device, const struct wire_handle *handle, int traffic_class,
	       struct dialer **dialer, struct devmem_error *err)
{
	struct dialer *new = calloc(1, sizeof(*new));

	*dialer = new;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->device = device_get(device);
	new->handle = *handle;
	new->traffic_class = traffic_class;
	new->control = -1;
	new->deadline_ms = clock_ms() + (int64_t)device->options.connect_timeout_s * 1000;
	return 0;
}

static void set_state(struct dialer *dialer, enum dialer_state state)
{
	dialer->state = state;
	PROBE3(dial_state, dialer, state, dialer->last_error);
}

const uint8_t *dialer_nonce(const struct dialer *dialer)
{
	return dialer->handle.nonce;
}

static void close_sockets(struct dialer *dialer)
{
	if (dialer->control >= 0)
		close(dialer->control);
	while (dialer->n_streams)
		close(dialer->streams[--dialer->n_streams]);
	dialer->control = -1;
}

void dialer_free(struct dialer *dialer)
{
	if (!dialer)
		return;
	close_sockets(dialer);
	device_put(dialer->device);
	free(dialer);
}

/* A socket that leaves by this NIC and by its address, since steering and transmit bindings are the
 * NIC's. */
static int open_socket(const struct dialer *dialer, const struct sockaddr_storage *to)
{
	const struct devmem_nic *nic = &dialer->device->nic;
	struct sockaddr_storage from = nic->addr;
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, nic->ifname,
			 (socklen_t)strlen(nic->ifname));
	(void)sockopt_traffic_class(fd, to->ss_family, dialer->traffic_class);
	sockaddr_set_port(&from, 0);
	if (from.ss_family == to->ss_family &&
	    bind(fd, (struct sockaddr *)&from, sockaddr_length(&from)))
		goto fail;
	if (connect(fd, (const struct sockaddr *)to, sockaddr_length(to)) && errno != EINPROGRESS)
		goto fail;
	return fd;

fail:
	ret = -errno;
	close(fd);
	return ret;
}

static void set_send_buffer(int fd)
{
	int half = SEND_BUFFER / 2; /* the kernel doubles it */

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &half, sizeof(half)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
}

/* Streams take the peer's rx queues in turn. */
static struct sockaddr_storage stream_address(const struct dialer *dialer, unsigned int i)
{
	struct sockaddr_storage to = dialer->handle.data;

	sockaddr_set_port(&to, dialer->handle.ports[i % dialer->handle.n_ports]);
	return to;
}

static int open_stream(struct dialer *dialer)
{
	struct sockaddr_storage to = stream_address(dialer, dialer->n_streams);
	int fd = open_socket(dialer, &to);

	if (fd < 0)
		return fd;
	set_send_buffer(fd);
	dialer->streams[dialer->n_streams++] = fd;
	return 0;
}

static int open_sockets(struct dialer *dialer)
{
	int ret = 0;

	dialer->control = open_socket(dialer, &dialer->handle.control);
	if (dialer->control < 0)
		return dialer->control;
	while (!ret && dialer->n_streams < dialer->handle.streams)
		ret = open_stream(dialer);
	return ret;
}

/* 1 connected, 0 not yet, -errno: what connect() tells when it is called again. */
static int connected(int fd, const struct sockaddr_storage *to)
{
	if (!connect(fd, (const struct sockaddr *)to, sockaddr_length(to)) || errno == EISCONN)
		return 1;
	return errno == EALREADY || errno == EINPROGRESS ? 0 : -errno;
}

static int all_connected(const struct dialer *dialer)
{
	int ret = connected(dialer->control, &dialer->handle.control);

	for (unsigned int i = 0; ret > 0 && i < dialer->n_streams; i++) {
		struct sockaddr_storage to = stream_address(dialer, i);

		ret = connected(dialer->streams[i], &to);
	}
	return ret;
}

/* A fresh socket's buffer holds a hello, so that it goes at once or not at all. */
static int send_hello(struct dialer *dialer)
{
	struct wire_hello hello = {.streams = (uint16_t)dialer->n_streams};
	uint8_t bytes[WIRE_HELLO_BYTES];

	memcpy(hello.nonce, dialer->handle.nonce, WIRE_NONCE);
	for (unsigned int i = 0; i < dialer->n_streams; i++) {
		struct sockaddr_storage local;
		socklen_t length = sizeof(local);

		if (getsockname(dialer->streams[i], (struct sockaddr *)&local, &length))
			return -errno;
		hello.source_ports[i] = sockaddr_port(&local);
	}
	wire_put_hello(bytes, &hello);
	if (send(dialer->control, bytes, sizeof(bytes), MSG_NOSIGNAL) != (ssize_t)sizeof(bytes))
		return errno == EAGAIN ? -ECONNRESET : -errno;
	return 0;
}

/* 1: the answer is whole, 0: not yet, -errno. */
static int read_answer(struct dialer *dialer)
{
	ssize_t n = recv(dialer->control, dialer->answer + dialer->answered,
			 sizeof(dialer->answer) - dialer->answered, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	dialer->answered += (size_t)n;
	return dialer->answered == sizeof(dialer->answer);
}

static int fail(struct dialer *dialer, int code, struct devmem_error *err, const char *what)
{
	char text[SOCKADDR_TEXT];

	set_state(dialer, DIALER_ENDED);
	return devmem_error_set(err, code, "connecting to %s from %s: %s: %s; %s",
				sockaddr_text(&dialer->handle.control, text),
				dialer->device->nic.name, what, strerror(-code),
				error_advice(code));
}

/* The other side may not listen yet, or its host be reachable in a moment; anything else is final.
 */
static bool worth_retrying(int code)
{
	return code == -ECONNREFUSED || code == -ETIMEDOUT || code == -EHOSTUNREACH ||
	       code == -ENETUNREACH;
}

static int retry(struct dialer *dialer, int code, struct devmem_error *err)
{
	close_sockets(dialer);
	dialer->last_error = code;
	if (!worth_retrying(code))
		return fail(dialer, code, err, "it cannot be reached");
	set_state(dialer, DIALER_WAITING);
	dialer->retry_ms = clock_ms() + RETRY_MS;
	return 0;
}

static int finish(struct dialer *dialer, struct conn **conn, struct devmem_error *err)
{
	struct wire_ready ready;
	struct conn_parts parts;
	unsigned int version = 0;
	int ret = wire_get_ready(dialer->answer, sizeof(dialer->answer), &ready, &version);

	if (ret == -EPROTONOSUPPORT) {
		set_state(dialer, DIALER_ENDED);
		return devmem_error_set(
			err, -EPROTO,
			"the peer speaks version %u of devmem's protocol and this side %u: "
			"install the same release on all hosts",
			version, WIRE_VERSION);
	}
	if (ret)
		return fail(dialer, -EPROTO, err, "whoever answered is no devmem listener");
	if (ready.status == WIRE_REFUSED_VERSION)
		return fail(dialer, -EPROTO, err,
			    "the peer refused this version of devmem: install the same release on "
			    "all hosts");
	if (ready.status != WIRE_OK)
		return fail(dialer, -ECONNABORTED, err,
			    "the peer did not see the data streams: are its data ports open in "
			    "all firewalls?");
	if (ready.streams && ready.streams != dialer->n_streams)
		return fail(dialer, -EPROTO, err, "whoever answered is no devmem listener");
	set_state(dialer, DIALER_ENDED);
	if (!ready.streams) /* the peer's pool feeds no more connections */
		while (dialer->n_streams)
			close(dialer->streams[--dialer->n_streams]);
	parts = (struct conn_parts){
		.sender = true,
		.control_fd = dialer->control,
		.n_streams = dialer->n_streams,
		.peer = &dialer->handle.control,
	};
	memcpy(parts.stream_fds, dialer->streams, sizeof(parts.stream_fds));
	dialer->control = -1;
	dialer->n_streams = 0;
	ret = conn_new(dialer->device, &parts, conn, err);
	return ret ? ret : 1;
}

static int step(struct dialer *dialer, struct conn **conn, struct devmem_error *err)
{
	int ret;

	switch (dialer->state) {
	case DIALER_WAITING:
		if (clock_ms() < dialer->retry_ms)
			return 0;
		set_state(dialer, DIALER_CONNECTING);
		ret = open_sockets(dialer);
		return ret ? retry(dialer, ret, err) : 0;
	case DIALER_CONNECTING:
		ret = all_connected(dialer);
		if (ret <= 0)
			return ret ? retry(dialer, ret, err) : 0;
		ret = send_hello(dialer);
		if (ret)
			return fail(dialer, ret, err, "sending the greeting failed");
		set_state(dialer, DIALER_GREETED);
		return 0;
	case DIALER_GREETED:
		ret = read_answer(dialer);
		if (ret < 0)
			return fail(dialer, ret, err,
				    "the peer closed the connection instead of answering (is the "
				    "handle an old one?)");
		return ret ? finish(dialer, conn, err) : 0;
	case DIALER_ENDED:
		break;
	}
	return devmem_error_set(err, -EINVAL,
				"a connection attempt that has ended was polled again");
}

int dialer_poll(struct dialer *dialer, struct conn **conn, struct devmem_error *err)
{
	int ret;

	*conn = NULL;
	ret = step(dialer, conn, err);
	if (!ret && clock_ms() > dialer->deadline_ms)
		return fail(dialer, dialer->last_error ? dialer->last_error : -ETIMEDOUT, err,
			    "gave up (NCCL_DEVMEM_CONNECT_TIMEOUT); is the peer alive and the port "
			    "open in all firewalls?");
	return ret;
}

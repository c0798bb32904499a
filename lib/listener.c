// SPDX-License-Identifier: BSD-3-Clause
/* The receiving side of a handshake: a control port where many may knock, and only who has the
 * nonce comes in. */
#include "clock.h"
#include "connect.h"
#include "error.h"
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MAX_CALLERS 64
#define CALLER_MS 10000 /* a caller that has not proved itself by then is hung up on */

enum caller_state {
	CALLER_SILENT, /* until its hello is whole */
	CALLER_KNOWN,  /* its hello is good; until its data stream has arrived */
};

struct caller {
	enum caller_state state;
	int fd;
	struct sockaddr_storage from;
	int64_t deadline_ms;
	uint8_t bytes[WIRE_HELLO_BYTES];
	size_t n_bytes;
	struct wire_hello hello;
};

struct listener {
	struct device *device;
	struct pool *pool; /* NULL: no data streams */
	int fd;
	int traffic_class;
	uint8_t nonce[WIRE_NONCE];
	unsigned int n_callers;
	struct caller callers[MAX_CALLERS];
};

static int open_port(struct listener *listener, struct sockaddr_storage *address,
		     struct devmem_error *err)
{
	socklen_t length = sizeof(*address);

	*address = listener->device->nic.addr;
	sockaddr_set_port(address, 0);
	listener->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0 ||
	    bind(listener->fd, (struct sockaddr *)address, sockaddr_length(address)) ||
	    listen(listener->fd, 1024) ||
	    getsockname(listener->fd, (struct sockaddr *)address, &length))
		return devmem_error_set(err, -errno, "cannot open a control port on %s: %s; %s",
					listener->device->nic.ifname, strerror(errno),
					error_advice(errno));
	/* Accepted connections have it from their listener. */
	(void)sockopt_traffic_class(listener->fd, address->ss_family, listener->traffic_class);
	return 0;
}

int listener_new(struct device *device, int traffic_class, struct listener **listener,
		 struct wire_handle *handle, struct devmem_error *err)
{
	struct listener *new = calloc(1, sizeof(*new));
	int ret;

	*listener = NULL;
	*handle = (struct wire_handle){0};
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->fd = -1;
	new->traffic_class = traffic_class;
	new->device = device_get(device);
	ret = device_pool(device, &new->pool, err);
	if (!ret && getrandom(new->nonce, sizeof(new->nonce), 0) != sizeof(new->nonce))
		ret = devmem_error_set(err, -EIO, "getrandom: %s", strerror(errno));
	if (!ret)
		ret = open_port(new, &handle->control, err);
	if (ret) {
		listener_free(new);
		return ret;
	}
	memcpy(handle->nonce, new->nonce, WIRE_NONCE);
	if (new->pool)
		handle->data = new->pool->address;
	*listener = new;
	return 0;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	for (unsigned int i = 0; i < listener->n_callers; i++)
		close(listener->callers[i].fd);
	if (listener->fd >= 0)
		close(listener->fd);
	device_put(listener->device);
	free(listener);
}

static void take_calls(struct listener *listener)
{
	while (listener->n_callers < MAX_CALLERS) {
		struct caller *caller = &listener->callers[listener->n_callers];
		socklen_t length = sizeof(caller->from);

		*caller = (struct caller){.deadline_ms = clock_ms() + CALLER_MS};
		caller->fd = accept4(listener->fd, (struct sockaddr *)&caller->from, &length,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (caller->fd < 0)
			return;
		listener->n_callers++;
	}
}

static void forget(struct listener *listener, unsigned int i)
{
	listener->callers[i] = listener->callers[--listener->n_callers];
}

static void hang_up(struct listener *listener, unsigned int i, const char *why)
{
	struct caller *caller = &listener->callers[i];
	char text[SOCKADDR_TEXT];

	listener->device->log(LOG_LEVEL_INFO, __func__, __LINE__,
			      "hung up on %s, which knocked at a control port of %s: %s",
			      sockaddr_text(&caller->from, text), listener->device->nic.name, why);
	close(caller->fd);
	forget(listener, i);
}

static void answer(const struct caller *caller, enum wire_status status)
{
	struct wire_ready ready = {.status = (uint16_t)status};
	uint8_t bytes[WIRE_READY_BYTES];

	wire_put_ready(bytes, &ready);
	/* Eight bytes into an empty socket buffer: a failure shows when the connection is used. */
	(void)!send(caller->fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* 1: the hello is whole and good, 0: not yet, -errno: hang up, for the reason in *@why. */
static int hear(struct listener *listener, struct caller *caller, const char **why)
{
	ssize_t n = recv(caller->fd, caller->bytes + caller->n_bytes,
			 sizeof(caller->bytes) - caller->n_bytes, 0);
	unsigned int version = 0;
	int ret;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	*why = "it closed the connection before it had said hello";
	if (n <= 0)
		return -ECONNRESET;
	caller->n_bytes += (size_t)n;
	ret = wire_get_hello(caller->bytes, caller->n_bytes, &caller->hello, &version);
	if (ret == -EAGAIN)
		return 0;
	if (ret == -EPROTONOSUPPORT) {
		*why = "it speaks another version of devmem's protocol: install the same release "
		       "on all hosts";
		answer(caller, WIRE_REFUSED_VERSION);
		return ret;
	}
	*why = "what it said is no devmem hello";
	if (ret)
		return ret;
	*why = "its nonce is wrong: it was not given this handle";
	if (memcmp(caller->hello.nonce, listener->nonce, WIRE_NONCE))
		return -EACCES;
	*why = "it announced a data stream where none is taken";
	if (caller->hello.streams && !listener->pool)
		return -EPROTO;
	return 1;
}

/* The data stream comes from the caller's address and the port that it has named. -EAGAIN until it
 * is there. */
static int claim_stream(struct listener *listener, const struct caller *caller)
{
	struct sockaddr_storage from = caller->from;

	if (!caller->hello.streams)
		return -1;
	sockaddr_set_port(&from, caller->hello.source_port);
	return pool_claim(listener->pool, &from);
}

/* Moves one caller along: 1: a connection is made, 0: it stays, -errno: it is gone. */
static int attend(struct listener *listener, unsigned int i, struct conn **conn,
		  struct devmem_error *err)
{
	struct caller *caller = &listener->callers[i];
	const char *why = "it kept silent";
	int ret, stream;

	if (caller->state == CALLER_SILENT) {
		ret = hear(listener, caller, &why);
		if (ret < 0 || (!ret && clock_ms() > caller->deadline_ms)) {
			hang_up(listener, i, why);
			return -ECONNABORTED;
		}
		if (!ret)
			return 0;
		caller->state = CALLER_KNOWN;
	}
	stream = claim_stream(listener, caller);
	if (caller->hello.streams && stream < 0) {
		if (stream == -EAGAIN && clock_ms() <= caller->deadline_ms)
			return 0;
		answer(caller, WIRE_REFUSED_STREAM);
		hang_up(listener, i,
			"the data stream that it announced did not arrive: is the data port open "
			"in all firewalls?");
		return -ECONNABORTED;
	}
	if (stream >= 0)
		(void)sockopt_traffic_class(stream, caller->from.ss_family,
					    listener->traffic_class);
	answer(caller, WIRE_OK);
	ret = conn_new(listener->device, false, caller->fd, stream,
		       stream >= 0 ? listener->pool : NULL, &caller->from, conn, err);
	forget(listener, i);
	return ret ? ret : 1;
}

int listener_poll(struct listener *listener, struct conn **conn, struct devmem_error *err)
{
	*conn = NULL;
	take_calls(listener);
	for (unsigned int i = 0; i < listener->n_callers;) {
		int ret = attend(listener, i, conn, err);

		if (ret == -ECONNABORTED)
			continue; /* the last caller has taken its place */
		if (ret)
			return ret;
		i++;
	}
	return 0;
}

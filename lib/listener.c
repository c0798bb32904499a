// SPDX-License-Identifier: BSD-3-Clause
/* The receiving side of a handshake: a control port where many may knock, and only who has the
 * nonce comes in. */
#include "clock.h"
#include "connect.h"
#include "error.h"
#include "pool_size.h"
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
	CALLER_KNOWN,  /* its hello is good; until its data streams have arrived */
};

struct caller {
	enum caller_state state;
	int fd;
	struct sockaddr_storage from;
	int64_t deadline_ms;
	uint8_t bytes[WIRE_HELLO_BYTES];
	size_t n_bytes;
	struct wire_hello hello;
	unsigned int n_streams; /* that have arrived */
	int streams[WIRE_STREAMS];
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

static void offer_streams(const struct listener *listener, struct wire_handle *handle)
{
	const struct pool *pool = listener->pool;
	unsigned int streams = listener->device->options.streams;

	handle->data = pool->nic.addr;
	sockaddr_set_port(&handle->data, 0);
	handle->n_ports = (uint8_t)pool->claim->n_queues;
	for (unsigned int i = 0; i < pool->claim->n_queues; i++)
		handle->ports[i] = pool->claim->queues[i].port;
	handle->streams = (uint8_t)(streams ? streams : pool->claim->n_queues);
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
		offer_streams(new, handle);
	*listener = new;
	return 0;
}

static void close_caller(struct caller *caller)
{
	close(caller->fd);
	while (caller->n_streams)
		close(caller->streams[--caller->n_streams]);
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	for (unsigned int i = 0; i < listener->n_callers; i++)
		close_caller(&listener->callers[i]);
	if (listener->fd >= 0)
		close(listener->fd);
	device_put(listener->device);
	free(listener);
}

/* One at a time, since mostly there is only one. */
static void take_call(struct listener *listener)
{
	struct caller *caller = &listener->callers[listener->n_callers];
	socklen_t length = sizeof(caller->from);

	if (listener->n_callers == MAX_CALLERS)
		return;
	*caller = (struct caller){.deadline_ms = clock_ms() + CALLER_MS};
	caller->fd = accept4(listener->fd, (struct sockaddr *)&caller->from, &length,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (caller->fd >= 0)
		listener->n_callers++;
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
	close_caller(caller);
	forget(listener, i);
}

static void answer(const struct caller *caller, enum wire_status status)
{
	struct wire_ready ready = {.status = (uint16_t)status,
				   .streams = (uint16_t)caller->n_streams};
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

/* Data streams come from the caller's address and the ports that it has named. 0 when all are
 * there, -EAGAIN until then. */
static int claim_streams(struct listener *listener, struct caller *caller)
{
	struct sockaddr_storage from = caller->from;

	while (caller->n_streams < caller->hello.streams) {
		int fd;

		sockaddr_set_port(&from, caller->hello.source_ports[caller->n_streams]);
		fd = pool_claim(listener->pool, &from);
		if (fd < 0)
			return fd;
		(void)sockopt_traffic_class(fd, from.ss_family, listener->traffic_class);
		caller->streams[caller->n_streams++] = fd;
	}
	return 0;
}

static void say_full(struct listener *listener)
{
	const struct pool *pool = listener->pool;

	stat_add(&listener->device->totals->fallbacks, 1);
	listener->device->log(
		LOG_LEVEL_WARN, __func__, __LINE__,
		"%u connections share the pool of %zu MiB on %s and it cannot feed one more: this "
		"one's payload goes by way of host memory: set NCCL_DEVMEM_POOL_MB to %zu or more, "
		"or use fewer channels (NCCL_MAX_NCHANNELS)",
		pool->budget.n_shares, pool->mem->size >> 20, pool->nic.name,
		2 * pool->mem->size >> 20);
}

/* Works, a page at a time. */
static void say_small(struct listener *listener)
{
	struct pool *pool = listener->pool;

	if (__atomic_exchange_n(&pool->said_small, true, __ATOMIC_RELAXED))
		return;
	listener->device->log(
		LOG_LEVEL_WARN, __func__, __LINE__,
		"%u connections share the pool of %zu MiB on %s, less than %u KiB for "
		"each, so they will be slow: set NCCL_DEVMEM_POOL_MB to %zu or more",
		pool->budget.n_shares, pool->mem->size >> 20, pool->nic.name,
		BUDGET_SHARE * (unsigned int)pool->claim->buffer >> 10, 2 * pool->mem->size >> 20);
}

/* A share of the pool. 0: it is in @share, or there is none and streams are done without; -EAGAIN:
 * later. */
static int join_pool(struct listener *listener, struct caller *caller, struct budget_share *share)
{
	int ret;

	*share = (struct budget_share){0};
	if (!caller->n_streams)
		return 0;
	ret = budget_join(&listener->pool->budget, share);
	if (!ret && share->kept < BUDGET_SHARE)
		say_small(listener);
	if (!ret || (ret == -EAGAIN && clock_ms() <= caller->deadline_ms))
		return ret;
	say_full(listener);
	while (caller->n_streams)
		close(caller->streams[--caller->n_streams]);
	return 0;
}

static int make_conn(struct listener *listener, struct caller *caller,
		     const struct budget_share *share, struct conn **conn, struct devmem_error *err)
{
	struct conn_parts parts = {
		.control_fd = caller->fd,
		.n_streams = caller->n_streams,
		.pool = caller->n_streams ? listener->pool : NULL,
		.share = *share,
		.peer = &caller->from,
	};

	memcpy(parts.stream_fds, caller->streams, sizeof(parts.stream_fds));
	return conn_new(listener->device, &parts, conn, err);
}

/* Moves one caller along: 1: a connection is made, 0: it stays, -errno: it is gone. */
static int attend(struct listener *listener, unsigned int i, struct conn **conn,
		  struct devmem_error *err)
{
	struct caller *caller = &listener->callers[i];
	const char *why = "it kept silent";
	struct budget_share share;
	int ret;

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
	ret = claim_streams(listener, caller);
	if (!ret)
		ret = join_pool(listener, caller, &share);
	if (ret) {
		if (ret == -EAGAIN && clock_ms() <= caller->deadline_ms)
			return 0;
		answer(caller, WIRE_REFUSED_STREAM);
		hang_up(listener, i,
			"the data streams that it announced did not arrive: are the data ports "
			"open in all firewalls?");
		return -ECONNABORTED;
	}
	answer(caller, WIRE_OK);
	ret = make_conn(listener, caller, &share, conn, err);
	forget(listener, i);
	return ret ? ret : 1;
}

int listener_poll(struct listener *listener, struct conn **conn, struct devmem_error *err)
{
	bool waiting = listener->n_callers;

	*conn = NULL;
	if (!waiting)
		take_call(listener);
	for (unsigned int i = 0; i < listener->n_callers;) {
		int ret = attend(listener, i, conn, err);

		if (ret == -ECONNABORTED)
			continue; /* the last caller has taken its place */
		if (ret)
			return ret;
		i++;
	}
	if (waiting && listener->n_callers)
		take_call(listener); /* whoever has kept silent may be a stranger */
	return 0;
}

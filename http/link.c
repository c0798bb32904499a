// SPDX-License-Identifier: BSD-3-Clause
/* A connection of the client: made, used for one request after another, ended. */
#include "client.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS 16 /* of a connection, each of BOUNCE_BYTES at most, until others have their turn */

void link_state(struct link *link, enum link_state state)
{
	link->state = state;
}

void link_wait(struct link *link, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = link};
	int fd = devmem_stream_fd(link->stream);

	if (events == link->events)
		return;
	(void)epoll_ctl(link->http->epoll,
			!events		? EPOLL_CTL_DEL
			: !link->events ? EPOLL_CTL_ADD
					: EPOLL_CTL_MOD,
			fd, &event);
	link->events = events;
}

void link_expect(struct link *link)
{
	link->deadline_ms = clock_ms() + link->http->options.timeout_ms;
}

const uint8_t *link_bytes(const struct link *link, const struct devmem_frag *frag)
{
	const struct devmem_mem *pool = link->http->pool;

	if (frag->where != DEVMEM_FRAG_DEVICE)
		return devmem_stream_bounce(link->stream) + frag->offset;
	return (const uint8_t *)pool->addr + frag->offset;
}

void link_token_back(struct link *link, const struct devmem_frag *frag)
{
	if (frag->where == DEVMEM_FRAG_DEVICE)
		(void)devmem_stream_token_put(link->stream, frag->token);
}

void link_count(const struct link *link, struct devmem_http_stats *to)
{
	struct devmem_stream_stats from;

	devmem_stream_stats_get(link->stream, &from);
	to->rx_device += from.rx_device;
	to->rx_linear += from.rx_linear;
	to->rx_plain += from.rx_plain;
	to->tokens_taken += from.tokens_taken;
	to->tokens_returned += from.tokens_returned;
}

static void hang_up(struct link *link)
{
	for (unsigned int i = 0; i < link->n_frags; i++)
		link_token_back(link, &link->frags[link->first_frag + i]);
	(void)devmem_stream_token_flush(link->stream);
	link_wait(link, 0);
	link_count(link, &link->http->stats);
	devmem_stream_close(link->stream);
	link->stream = NULL;
	link->n_frags = 0;
	if (link->http->port)
		devmem_port_disconnect(link->http->port, link->number);
	link_state(link, LINK_CLOSED);
}

/* What the connection has received is read until the last copy is through. */
static void end(struct link *link)
{
	struct devmem_exporter *exporter = link->http->exporter;

	if (link->reading && devmem_copy_done(exporter, link->read_fence))
		link->reading = false;
	(void)gather_progress(&link->gather, exporter, link->stream);
	if (!link->gather.n && !link->reading)
		hang_up(link);
}

void link_drop(struct link *link)
{
	link->part = NULL;
	if (!link->stream)
		return;
	link_wait(link, 0);
	link_state(link, LINK_ENDING);
	end(link);
}

void link_broken(struct link *link, int code, const char *why)
{
	/* Who waits for room is not to blame for a server's patience; and a server may end an idle
	 * connection at any time. */
	bool counts = link->state != LINK_ROOM && !(link->reused && !link->answered);
	struct part *part = link->part;

	link_drop(link);
	if (!part)
		return;
	part->fetch->active--;
	if (link->progressed)
		part->tries = 0;
	fetch_retry(part, counts, 0, code, why);
}

void link_next(struct link *link, bool keep)
{
	link->part = NULL;
	/* What is there now was not asked for. */
	if (!keep || link->n_frags) {
		link_drop(link);
		return;
	}
	link->reused = true;
	link->ready = false; /* that was of what has come */
	link_state(link, LINK_IDLE);
	link_wait(link, EPOLLIN);
	(void)devmem_stream_token_flush(link->stream);
}

/* Never trust an offset that the device's engine would read from. */
static bool in_pool(const struct link *link, const struct devmem_frag *frags, unsigned int n)
{
	const struct devmem_mem *pool = link->http->pool;

	for (unsigned int i = 0; i < n; i++)
		if (frags[i].where == DEVMEM_FRAG_DEVICE &&
		    (!pool || frags[i].offset + frags[i].len > pool->size))
			return false;
	return true;
}

int link_receive(struct link *link, size_t want, struct devmem_frag *frags, unsigned int *n)
{
	ssize_t got = devmem_stream_recv(link->stream, want, frags, n);

	if (got > 0 && !in_pool(link, frags, *n)) {
		link_broken(link, -EPROTO, "the kernel tells of payload outside of the pool");
		return -1;
	}
	if (got > 0) {
		link->answered = true;
		link_expect(link);
		return 1;
	}
	*n = 0;
	if (got == -EAGAIN) {
		(void)devmem_stream_token_flush(link->stream);
		link_wait(link, EPOLLIN);
		return 0;
	}
	link_broken(link, got ? (int)got : -ECONNRESET,
		    got ? strerror((int)-got) : "the server ended the connection too early");
	return -1;
}

static int open_socket(struct link *link, struct devmem_error *err)
{
	const struct sockaddr_storage *to = origin_address(link->origin);
	int fd;

	if (link->http->port)
		return devmem_port_connect(link->http->port, link->number, to, err);
	fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) &&
	    errno != EINPROGRESS) {
		int ret = -errno;

		close(fd);
		return devmem_error_set(err, ret, "cannot connect: %s", strerror(-ret));
	}
	return fd < 0 ? devmem_error_set(err, -errno, "no socket: %s", strerror(errno)) : fd;
}

static void begin_connect(struct link *link)
{
	struct devmem_error err = {0};
	struct part *part = link->part;
	int fd = open_socket(link, &err);

	if (fd >= 0 && devmem_stream_open(fd, BOUNCE_BYTES, &link->stream, &err)) {
		close(fd);
		fd = err.code;
	}
	if (fd < 0) {
		if (link->http->port)
			devmem_port_disconnect(link->http->port, link->number);
		link->part = NULL;
		part->fetch->active--;
		origin_failed(link->origin);
		fetch_retry(part, true, 0, err.code, err.text);
		return;
	}
	link->http->stats.connects++;
	link->reused = false;
	link_state(link, LINK_CONNECTING);
	link_wait(link, EPOLLOUT);
}

static bool connecting_progress(struct link *link)
{
	socklen_t length = sizeof(int);
	char why[TEXT_MAX] = "cannot connect: ";
	int error = 0;

	if (!link->ready)
		return false;
	if (getsockopt(devmem_stream_fd(link->stream), SOL_SOCKET, SO_ERROR, &error, &length))
		error = errno;
	if (error) {
		origin_failed(link->origin);
		strncat(why, strerror(error), sizeof(why) - strlen(why) - 1);
		link_broken(link, -error, why);
		return false;
	}
	link_state(link, LINK_SENDING);
	return true;
}

static bool sending_progress(struct link *link)
{
	ssize_t sent = devmem_stream_send_host(link->stream, link->request + link->request_sent,
					       link->request_len - link->request_sent, false, NULL);

	if (sent == -EAGAIN) {
		link_wait(link, EPOLLOUT);
		return false;
	}
	if (sent < 0) {
		link_broken(link, (int)sent, strerror((int)-sent));
		return false;
	}
	link->request_sent += (size_t)sent;
	if (link->request_sent < link->request_len)
		return true;
	link->http->stats.requests++;
	link_head_begin(link);
	/* Nothing can be there yet: the answer is waited for before the first look. */
	link_wait(link, EPOLLIN);
	return false;
}

static int format_request(struct link *link, const struct part *part)
{
	const struct devmem_fetch *fetch = part->fetch;
	uint64_t first = part->first + part->got;

	return request_format(&fetch->url, first, part->end - 1, !fetch->unranged,
			      first || fetch->ranged ? fetch->validator : NULL, link->request,
			      sizeof(link->request));
}

/* The server has ended the idle connection, or sent what was not asked for, which would be taken
 * for the answer to the next request. */
static bool is_stale(const struct link *link)
{
	struct pollfd fd = {.events = POLLIN | POLLRDHUP};

	if (link->state != LINK_IDLE)
		return false;
	fd.fd = devmem_stream_fd(link->stream);
	return poll(&fd, 1, 0) != 0;
}

/* False when it cannot have a new connection yet: copies are under way that read what came. */
static bool drop_stale(struct link *link)
{
	if (is_stale(link))
		link_drop(link);
	return link->state != LINK_ENDING;
}

void link_take(struct link *link, struct part *part)
{
	struct devmem_fetch *fetch = part->fetch;
	int len = format_request(link, part);

	if (!drop_stale(link)) {
		fetch_retry(part, false, 0, 0, "");
		return;
	}
	if (link->stream && link->origin != fetch->origin)
		hang_up(link);
	link->origin = fetch->origin;
	link->part = part;
	link->answered = link->progressed = link->ready = false;
	link->request_len = len > 0 ? (size_t)len : 0;
	link->request_sent = 0;
	fetch->active++;
	link_expect(link);
	if (len < 0) {
		fetch_fail(fetch, len, "the URL is too long");
		return;
	}
	if (link->stream)
		link_state(link, LINK_SENDING);
	else
		begin_connect(link);
	link_progress(link);
}

/* True when something moved and the next step may move, too. */
static bool step(struct link *link)
{
	switch (link->state) {
	case LINK_CLOSED:
		return false;
	case LINK_CONNECTING:
		return connecting_progress(link);
	case LINK_IDLE:
		if (link->ready)
			link_drop(link);
		return false;
	case LINK_SENDING:
		return sending_progress(link);
	case LINK_HEAD:
		return link_head_progress(link);
	case LINK_ROOM:
		return link_room_progress(link);
	case LINK_BODY:
		return link_body_progress(link);
	case LINK_DISCARD:
		return link_discard_progress(link);
	case LINK_ENDING:
		end(link);
		return false;
	}
	return false;
}

void link_progress(struct link *link)
{
	bool moved = true;

	for (unsigned int steps = 0; moved; steps++) {
		int ret = link->stream ? gather_progress(&link->gather, link->http->exporter,
							 link->stream)
				       : 0;

		if (ret < 0) {
			link_broken(link, ret, "the device cannot copy");
			break;
		}
		if (steps == STEPS) {
			http_wake(link->http);
			break;
		}
		moved = step(link);
	}
	link->ready = false;
	/* What came last is through: nobody else would tell the kernel. */
	if ((link->state == LINK_IDLE || link->state == LINK_ROOM) && !link->gather.n)
		(void)devmem_stream_token_flush(link->stream);
}

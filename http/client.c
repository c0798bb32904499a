// SPDX-License-Identifier: BSD-3-Clause
/* The client from open to close: its memory, its connections, and the one descriptor that tells of
 * all of them. */
#include "client.h"
#include "clock.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS 64
#define ENGINE_MS 1 /* between looks at a copy engine at work */

static unsigned int or_usual(unsigned int value, unsigned int usual)
{
	return value ? value : usual;
}

static void fill_options(struct devmem_http *http, const struct devmem_http_options *wish)
{
	static const struct devmem_http_options usual;
	struct devmem_http_options *options = &http->options;

	*options = wish ? *wish : usual;
	options->queues = or_usual(options->queues, 1);
	options->connections = or_usual(options->connections, 4);
	options->tries = or_usual(options->tries, 6);
	options->timeout_ms = or_usual(options->timeout_ms, 30000);
	options->redirects = or_usual(options->redirects, 10);
	if (!options->pool_bytes)
		options->pool_bytes = 64 << 20;
	if (!options->part_bytes)
		options->part_bytes = 16 << 20;
	if (options->part_bytes > INT64_MAX) /* more than a server can count to */
		options->part_bytes = INT64_MAX;
}

/* Host memory has no dmabuf: then the client works by ordinary sockets. */
static int open_port(struct devmem_http *http, struct devmem_error *err)
{
	const struct devmem_http_options *options = &http->options;
	struct devmem_port_options wanted = {
		.queues = options->queues,
		.connectors = (options->connections + options->queues - 1) / options->queues,
		.lease_dir = options->lease_dir,
		.broker = options->broker,
	};
	int ret;

	if (devmem_exporter_kind(http->exporter) == DEVMEM_MEM_HOST)
		return 0;
	ret = devmem_mem_alloc(http->exporter, options->pool_bytes, &http->pool, err);
	if (!ret)
		ret = devmem_port_open(&http->nic, http->pool, &wanted, &http->port, err);
	return ret;
}

static int make_links(struct devmem_http *http, struct devmem_error *err)
{
	unsigned int n = http->options.connections;

	if (http->port && devmem_port_connectors(http->port) < n)
		n = devmem_port_connectors(http->port);
	http->links = calloc(n, sizeof(*http->links));
	if (!http->links)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	for (; http->n_links < n; http->n_links++) {
		struct link *link = &http->links[http->n_links];

		link->http = http;
		link->number = http->n_links;
		if (http->options.count_copies)
			link->gather.copy_ns = &http->stats.copy_ns;
		link->page = devmem_staging_alloc(http->exporter, HEAD_PIECE);
		if (!link->page)
			return devmem_error_set(err, -ENOMEM, "out of memory for copies");
	}
	return 0;
}

static int make_descriptors(struct devmem_http *http, struct devmem_error *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	http->epoll = epoll_create1(EPOLL_CLOEXEC);
	http->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (http->epoll < 0 || http->timer < 0 ||
	    epoll_ctl(http->epoll, EPOLL_CTL_ADD, http->timer, &event))
		return devmem_error_set(err, -errno,
					"cannot make a descriptor: %s; ulimit -n tells how many "
					"there may be",
					strerror(errno));
	return 0;
}

int devmem_http_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
		     const struct devmem_http_options *options, struct devmem_http **http,
		     struct devmem_error *err)
{
	struct devmem_http *new = calloc(1, sizeof(*new));
	int ret;

	*http = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->epoll = new->timer = -1;
	if (nic)
		new->nic = *nic;
	new->exporter = exporter;
	fill_options(new, options);
	if (new->options.connections > DEVMEM_HTTP_CONNECTIONS)
		ret = devmem_error_set(err, -EINVAL, "at most %d connections are possible",
				       DEVMEM_HTTP_CONNECTIONS);
	else
		ret = open_port(new, err);
	if (!ret)
		ret = make_links(new, err);
	if (!ret)
		ret = make_descriptors(new, err);
	if (ret) {
		devmem_http_close(new);
		return ret;
	}
	*http = new;
	return 0;
}

static void close_link(struct link *link)
{
	link_drop(link);
	while (link->stream) {
		link_progress(link);
		sched_yield();
	}
	devmem_staging_free(link->http->exporter, link->page);
}

void devmem_http_close(struct devmem_http *http)
{
	if (!http)
		return;
	for (unsigned int i = 0; i < http->n_links; i++)
		close_link(&http->links[i]);
	devmem_port_close(http->port);
	devmem_mem_free(http->pool);
	origin_free_all(http->origins);
	if (http->epoll >= 0)
		close(http->epoll);
	if (http->timer >= 0)
		close(http->timer);
	free(http->links);
	free(http);
}

unsigned int devmem_http_connections(const struct devmem_http *http)
{
	return http->n_links;
}

int devmem_http_fd(const struct devmem_http *http)
{
	return http->epoll;
}

static void take_events(struct devmem_http *http)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(http->epoll, events, EVENTS, 0);
	uint64_t times;

	for (int i = 0; i < n; i++) {
		struct link *link = events[i].data.ptr;

		if (link)
			link->ready = true;
		else if (read(http->timer, &times, sizeof(times)) == sizeof(times))
			http->alarm_ms = 0;
	}
}

/* It moves without an event of its socket. */
static bool is_busy(const struct link *link)
{
	return link->gather.n || link->reading || (link->state == LINK_HEAD && link->n_frags);
}

static bool has_deadline(const struct link *link)
{
	return link->state == LINK_CONNECTING || link->state == LINK_SENDING ||
	       link->state == LINK_HEAD || link->state == LINK_BODY || link->state == LINK_DISCARD;
}

static void check_deadline(struct link *link, int64_t now_ms, int64_t *soon_ms)
{
	char why[TEXT_MAX];

	if (is_busy(link) && now_ms + ENGINE_MS < *soon_ms)
		*soon_ms = now_ms + ENGINE_MS;
	if (!has_deadline(link))
		return;
	if (now_ms >= link->deadline_ms) {
		snprintf(why, sizeof(why), "nothing came from the server for %u ms",
			 link->http->options.timeout_ms);
		if (link->state == LINK_CONNECTING)
			origin_failed(link->origin);
		link_broken(link, -ETIMEDOUT, why);
		*soon_ms = now_ms;
	} else if (link->deadline_ms < *soon_ms) {
		*soon_ms = link->deadline_ms;
	}
}

/* An alarm that comes too early costs one look, so it is not put off. */
static void set_alarm(struct devmem_http *http, int64_t now_ms, int64_t soon_ms)
{
	struct itimerspec when = {0};

	if (soon_ms == INT64_MAX || (http->alarm_ms && http->alarm_ms <= soon_ms))
		return;
	if (soon_ms <= now_ms)
		soon_ms = now_ms + 1;
	when.it_value.tv_sec = soon_ms / 1000;
	when.it_value.tv_nsec = soon_ms % 1000 * 1000000;
	(void)timerfd_settime(http->timer, TFD_TIMER_ABSTIME, &when, NULL);
	http->alarm_ms = soon_ms;
}

void http_wake(struct devmem_http *http)
{
	struct itimerspec past = {.it_value = {.tv_nsec = 1}};

	(void)timerfd_settime(http->timer, TFD_TIMER_ABSTIME, &past, NULL);
	http->alarm_ms = 1;
}

int devmem_http_progress(struct devmem_http *http)
{
	int64_t now_ms, soon_ms = INT64_MAX;
	int running = 0;

	take_events(http);
	for (unsigned int i = 0; i < http->n_links; i++)
		link_progress(&http->links[i]);
	now_ms = clock_ms();
	schedule(http, now_ms, &soon_ms);
	for (unsigned int i = 0; i < http->n_links; i++)
		check_deadline(&http->links[i], now_ms, &soon_ms);
	for (struct devmem_fetch *fetch = http->fetches; fetch; fetch = fetch->next) {
		/* Others may have waited for its connections. */
		if (fetch_settle(fetch))
			soon_ms = now_ms;
		running += !fetch->info.ended;
	}
	set_alarm(http, now_ms, soon_ms);
	return running;
}

void devmem_http_stats_get(const struct devmem_http *http, struct devmem_http_stats *stats)
{
	*stats = http->stats;
	for (unsigned int i = 0; i < http->n_links; i++)
		if (http->links[i].stream)
			link_count(&http->links[i], stats);
}

// SPDX-License-Identifier: BSD-3-Clause
/* devmemcat --serve: one thread, one loop, and whatever can move moves. */
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "exporter.h"
#include "sockaddr.h"
#include "wait.h"

#define EVENTS 64
#define ENGINE_MS 1  /* how often a disk or a copy engine at work is asked */
#define SWEEP_MS 250 /* how often clients that do not move are examined */
#define LINGER_MS 5000
#define MAX_CLIENTS 1024
#define BACKLOG 1024

static uint64_t changes_of(const struct server *server)
{
	return server->routes.device.changes + server->routes.host.changes;
}

static void forget(struct server *server, unsigned int i)
{
	client_close(server->clients[i]);
	server->clients[i] = server->clients[--server->n];
	if (!server->stopping)
		server_watch_listener(server, true);
}

/* Moves all clients that can. True when some of them can go on at once. */
static bool step_clients(struct server *server)
{
	uint64_t changes = changes_of(server);
	bool fed = changes != server->changes, more = false;

	server->changes = changes;
	for (unsigned int i = 0; i < server->n;) {
		struct client *client = server->clients[i];

		if (client->ready || (fed && client->hungry))
			client_step(client);
		if (client->state == CLIENT_GONE) {
			forget(server, i);
			continue;
		}
		more |= client->ready;
		i++;
	}
	return more || changes_of(server) != changes;
}

static int64_t patience_ms(const struct server *server, const struct client *client)
{
	int64_t patience = 1000 * (int64_t)server->options->timeout_s;

	return client->state == CLIENT_LINGERS && patience > LINGER_MS ? LINGER_MS : patience;
}

static void examine(struct server *server, struct client *client, int64_t now)
{
	/* Who is waiting for us has all the time we need. */
	if (client->state == CLIENT_LISTS || client->hungry)
		client->moved_ms = now;
	if (now - client->moved_ms < patience_ms(server, client))
		return;
	server->counts.dropped += client->state == CLIENT_REPLIES;
	client->moved_ms = now;
	if (client->state == CLIENT_READS)
		client_finish(client);
	else
		client_drop(client);
}

static void drop_all(struct server *server)
{
	for (unsigned int i = 0; i < server->n; i++)
		client_drop(server->clients[i]);
}

static void sweep(struct server *server)
{
	int64_t now = clock_ms();

	if (now - server->swept_ms < SWEEP_MS)
		return;
	server->swept_ms = now;
	for (unsigned int i = 0; i < server->n; i++)
		examine(server, server->clients[i], now);
	if (server->stopping && now > server->deadline_ms)
		drop_all(server);
	else if (!server->stopping && server->n < server->max)
		server_watch_listener(server, true);
}

/* The first signal lets responses end that have begun; the second does not. */
static void stop(struct server *server)
{
	if (server->stopping) {
		drop_all(server);
		return;
	}
	server->stopping = true;
	server->deadline_ms = clock_ms() + 1000 * (int64_t)server->options->timeout_s;
	close(server->link.fd);
	server->link.fd = -1;
	for (unsigned int i = 0; i < server->n; i++)
		client_finish(server->clients[i]);
}

static void take_signal(struct server *server)
{
	int number = wait_take_signal();

	if (number == SIGUSR1)
		(void)server_report(server, EXIT_STATUS_OK);
	else if (number)
		stop(server);
}

static void handle(struct server *server, const struct epoll_event *event)
{
	if (event->data.ptr == server)
		take_signal(server);
	else if (event->data.ptr == &server->link)
		server_accept(server);
	else
		((struct client *)event->data.ptr)->ready = true;
}

static int wait_ms(const struct server *server, bool more)
{
	if (more)
		return 0;
	return cache_busy(&server->routes.device) || cache_busy(&server->routes.host) ? ENGINE_MS
										      : SWEEP_MS;
}

static int run(struct server *server, struct devmem_error *err)
{
	struct epoll_event events[EVENTS];

	while (!server->stopping || server->n) {
		bool filled = cache_step(&server->routes.device) | cache_step(&server->routes.host);
		bool more = step_clients(server) || filled;
		int n = epoll_wait(server->epoll, events, EVENTS, wait_ms(server, more));

		if (n < 0 && errno != EINTR)
			return devmem_error_set(err, -errno, "epoll_wait: %s", strerror(errno));
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr != &server->link || server->link.fd >= 0)
				handle(server, &events[i]);
		sweep(server);
	}
	return 0;
}

static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int make_loop(struct server *server, struct devmem_error *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};
	unsigned int places = (unsigned int)(server->options->cache_bytes / CACHE_BLOCK / 2);

	allow_descriptors();
	server->max = places < MAX_CLIENTS ? places : MAX_CLIENTS;
	server->clients = calloc(server->max, sizeof(server->clients[0]));
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!server->clients || server->epoll < 0 || wait_for_usr1() ||
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, wait_signal_fd(), &event))
		return devmem_error_set(err, -errno, "cannot make an event loop: %s",
					strerror(errno));
	return 0;
}

/* What can fail is found before the first client comes, where the address says which NIC it is. */
static int make_route(struct server *server, struct devmem_error *err)
{
	if (link_is_any(&server->link.local) && !server->options->interface)
		return 0;
	return route_find(&server->routes, &server->link.local, err) ? 0 : err->code;
}

static void say_ready(const struct server *server)
{
	char text[SOCKADDR_TEXT];

	if (server->options->verbose)
		fprintf(stderr, "devmemcat: serving %s, listening on %s; memory: %s\n",
			server->options->serve_dir, sockaddr_text(&server->link.local, text),
			devmem_mem_kind_name(devmem_exporter_kind(server->exporter)));
}

static int open_server(struct server *server, enum exit_status *status, struct devmem_error *err)
{
	const struct options *options = server->options;
	int ret = exporter_open(options, &server->exporter, err);

	*status = EXIT_STATUS_SETUP;
	if (ret)
		return ret;
	routes_open(&server->routes, options, server->exporter, &server->files);
	*status = EXIT_STATUS_TRANSFER;
	ret = files_open(&server->files, options->serve_dir, err);
	if (!ret)
		ret = link_resolve_local(options, &server->link, err);
	if (!ret)
		ret = link_bind(options, &server->link, err);
	if (!ret)
		ret = make_loop(server, err);
	if (ret)
		return ret;
	*status = EXIT_STATUS_SETUP;
	ret = make_route(server, err);
	if (!ret && listen(server->link.fd, BACKLOG))
		ret = devmem_error_set(err, -errno, "listen: %s", strerror(errno));
	if (!ret)
		server_watch_listener(server, true);
	return ret;
}

static void close_server(struct server *server)
{
	while (server->n)
		forget(server, server->n - 1);
	link_close(&server->link, NULL);
	routes_close(&server->routes);
	files_close(&server->files);
	if (server->epoll >= 0)
		close(server->epoll);
	devmem_exporter_close(server->exporter);
	free(server->clients);
}

enum exit_status serve(const struct options *options, struct devmem_error *err)
{
	struct server server = {.options = options,
				.link = {.fd = -1},
				.files = {.dir = -1},
				.epoll = -1,
				.begin_ms = clock_ms()};
	enum exit_status status;

	if (!open_server(&server, &status, err)) {
		say_ready(&server);
		status = run(&server, err) ? EXIT_STATUS_TRANSFER : EXIT_STATUS_OK;
		server.stopping = true;
		if (!server_report(&server, status) && !status)
			status = EXIT_STATUS_TRANSFER;
	}
	server.stopping = true;
	close_server(&server);
	return status;
}

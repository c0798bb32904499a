// SPDX-License-Identifier: BSD-3-Clause
/* New clients: taken while there is a place for them. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "peer.h"

#define TURN_CLIENTS 32 /* taken at once, so that those who are here go on */

void server_watch_listener(struct server *server, bool on)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &server->link};

	if (server->accepting == on || server->link.fd < 0)
		return;
	(void)epoll_ctl(server->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, server->link.fd, &event);
	server->accepting = on;
}

/* Edge-triggered: each event moves a client until the kernel says that it would wait. */
static int add(struct server *server, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = client};

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, devmem_stream_fd(client->stream), &event))
		return -errno;
	server->clients[server->n++] = client;
	server->counts.clients++;
	return 0;
}

static void take(struct server *server, int fd)
{
	struct sockaddr_storage local = {0};
	socklen_t length = sizeof(local);
	struct devmem_error err = {0};
	struct client *client = NULL;
	struct route *route = NULL;

	if (!getsockname(fd, (struct sockaddr *)&local, &length))
		route = route_find(&server->routes, &local, &err);
	peer_watch(fd, server->options->timeout_s);
	if (route)
		client = client_open(fd, &server->routes, route, &server->counts, &err);
	else
		close(fd);
	if (client && !add(server, client))
		return;
	if (client)
		client_close(client);
	if (err.code)
		fprintf(stderr, "devmemcat: a client was sent away: %s\n", err.text);
}

void server_accept(struct server *server)
{
	for (int i = 0; i < TURN_CLIENTS && server->n < server->max; i++) {
		int fd = accept4(server->link.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(server, fd);
			continue;
		}
		/* Out of descriptors or memory: the next sweep tries again. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			server_watch_listener(server, false);
		return;
	}
	if (server->n == server->max)
		server_watch_listener(server, false);
}

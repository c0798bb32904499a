// SPDX-License-Identifier: BSD-3-Clause
/* The loop: connections come, ask, and end; none is waited for. */
#include "clock.h"
#include "devmemd.h"
#include "notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 64
#define ACCEPTS 64 /* at a time: others are waiting, too */
#define MAX_GROUPS 1024

static struct user *user_get(struct broker *broker, uid_t uid)
{
	struct user *user = broker->users;

	while (user && user->uid != uid)
		user = user->next;
	if (user)
		return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->next = broker->users;
	broker->users = user;
	return user;
}

static void user_put(struct broker *broker, struct user *user)
{
	struct user **link = &broker->users;

	if (user->clients)
		return;
	while (*link != user)
		link = &(*link)->next;
	*link = user->next;
	free(user);
}

/* Fills in what the kernel says of who connected, and from where. */
static int identify(const struct broker *broker, struct client *client, uid_t *uid)
{
	gid_t groups[MAX_GROUPS];
	socklen_t groups_size = sizeof(groups);
	struct ucred peer;
	socklen_t peer_size = sizeof(peer), cookie_size = sizeof(uint64_t);
	uint64_t cookie;

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size))
		return -errno;
	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size))
		groups_size = 0;
	/* An accepted unix socket belongs to the network namespace of who connected. */
	if (getsockopt(client->fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &cookie_size))
		return -errno;
	*uid = peer.uid;
	client->pid = peer.pid;
	client->stranger = cookie != broker->network_namespace;
	client->allowed = policy_allows(&broker->policy, peer.uid, peer.gid, groups,
					groups_size / sizeof(groups[0]));
	return 0;
}

static int watch(struct broker *broker, int fd, void *what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

	return epoll_ctl(broker->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void client_link(struct broker *broker, struct client *client)
{
	client->next = broker->clients;
	if (client->next)
		client->next->prev = client;
	broker->clients = client;
	client->user->clients++;
	broker->stats.clients++;
}

static int client_add(struct broker *broker, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int ret = client ? 0 : -ENOMEM;
	uid_t uid = 0;

	if (ret)
		return ret;
	client->fd = fd;
	client->idle_until_ms = clock_ms() + IDLE_MS;
	ret = identify(broker, client, &uid);
	if (!ret) {
		client->user = user_get(broker, uid);
		ret = client->user ? 0 : -ENOMEM;
	}
	if (!ret && client->user->clients >= MAX_CLIENTS_PER_USER)
		ret = -EUSERS;
	if (!ret)
		ret = watch(broker, fd, client);
	if (ret) {
		if (client->user)
			user_put(broker, client->user);
		free(client);
		return ret;
	}
	client_link(broker, client);
	return 0;
}

void client_drop(struct broker *broker, struct client *client)
{
	held_end_all(broker, client);
	if (client->next)
		client->next->prev = client->prev;
	if (client->prev)
		client->prev->next = client->next;
	else
		broker->clients = client->next;
	client->user->clients--;
	broker->stats.clients--;
	user_put(broker, client->user);
	patient_close(client->fd);
	free(client);
}

/* Without descriptors, or with too many connections, new ones wait until the next tick. */
static void listen_again(struct broker *broker, bool again)
{
	if (again == !broker->deaf)
		return;
	if (again && watch(broker, broker->listener, NULL))
		return;
	if (!again)
		epoll_ctl(broker->epoll, EPOLL_CTL_DEL, broker->listener, NULL);
	broker->deaf = !again;
}

static void accept_clients(struct broker *broker)
{
	for (unsigned int i = 0; i < ACCEPTS; i++) {
		int fd;

		if (broker->stats.clients >= MAX_CLIENTS) {
			listen_again(broker, false);
			return;
		}
		fd = accept4(broker->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				listen_again(broker, false);
			return;
		}
		if (client_add(broker, fd)) {
			broker->stats.refused++;
			patient_close(fd);
		}
	}
}

static void handle_client(struct broker *broker, struct client *client)
{
	struct broker_request request = {0};
	int fd = -1, ret = message_receive(client, &request, &fd);

	client->idle_until_ms = clock_ms() + IDLE_MS;
	if (!ret)
		ret = request_handle(broker, client, &request, fd);
	else if (ret == -EPROTO || ret == -EPROTONOSUPPORT || ret == -EMSGSIZE)
		broker->stats.bad++;
	if (ret == -EPROTONOSUPPORT) {
		/* Our version is in the head, which is what the client needs to know. */
		struct broker_reply reply = {.type = BROKER_HELLO, .status = ret};

		(void)message_send(client, &reply, NULL, 0);
	}
	if (fd >= 0)
		patient_close(fd);
	if (ret && ret != -EAGAIN)
		client_drop(broker, client);
}

static void drop_idle(struct broker *broker)
{
	int64_t now = clock_ms();
	struct client *client = broker->clients;

	while (client) {
		struct client *next = client->next;

		if (!client->leases && client->idle_until_ms < now)
			client_drop(broker, client);
		client = next;
	}
}

static int64_t tick(struct broker *broker, int64_t next)
{
	int64_t now = clock_ms();

	if (now < next)
		return next;
	held_sweep(broker);
	drop_idle(broker);
	listen_again(broker, true);
	notify("WATCHDOG=1");
	return now + TICK_MS;
}

int serve(struct broker *broker)
{
	struct epoll_event events[EVENTS];
	int64_t next = 0;
	int ret;

	broker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (broker->epoll < 0)
		return -errno;
	ret = watch(broker, broker->listener, NULL);
	while (!ret) {
		int n;

		next = tick(broker, next);
		n = epoll_wait(broker->epoll, events, EVENTS,
			       (int)(next - clock_ms() > 0 ? next - clock_ms() : 0));
		if (n < 0 && errno != EINTR)
			ret = -errno;
		/* A client is dropped by its own event only, and has one of them at most. */
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				handle_client(broker, events[i].data.ptr);
			else
				accept_clients(broker);
		}
	}
	return ret;
}

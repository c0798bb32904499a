// SPDX-License-Identifier: BSD-3-Clause
/* Control sockets of closed connections whose last bytes the peer has not acknowledged. */
#include "linger.h"
#include "clock.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_MS 5

struct lingering {
	struct lingering *next;
	int fd;
	int64_t deadline_ms;
};

void linger_init(struct linger_list *list)
{
	*list = (struct linger_list){0};
	pthread_mutex_init(&list->lock, NULL);
}

/* Unread bytes would turn the close into a reset. Nobody wants them any more. */
static void drain(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* After a reset, nothing will ever be acknowledged. */
static bool is_dead(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ||
	       info.tcpi_state == TCP_CLOSE;
}

static bool is_through(int fd)
{
	int left = 0;

	drain(fd);
	return ioctl(fd, SIOCOUTQ, &left) || left == 0 || is_dead(fd);
}

void linger_add(struct linger_list *list, int fd, int patience_ms)
{
	struct lingering *new = NULL;

	shutdown(fd, SHUT_WR);
	if (!is_through(fd))
		new = malloc(sizeof(*new));
	if (!new) {
		close(fd);
		return;
	}
	new->fd = fd;
	new->deadline_ms = clock_ms() + patience_ms;
	pthread_mutex_lock(&list->lock);
	new->next = list->first;
	list->first = new;
	pthread_mutex_unlock(&list->lock);
}

void linger_sweep(struct linger_list *list)
{
	struct lingering **link, *one;

	pthread_mutex_lock(&list->lock);
	for (link = &list->first; (one = *link);) {
		if (!is_through(one->fd) && clock_ms() < one->deadline_ms) {
			link = &one->next;
			continue;
		}
		close(one->fd);
		*link = one->next;
		free(one);
	}
	pthread_mutex_unlock(&list->lock);
}

void linger_end(struct linger_list *list, int wait_ms)
{
	int64_t deadline = clock_ms() + wait_ms;
	struct lingering *one;

	linger_sweep(list);
	while (list->first && clock_ms() < deadline) {
		poll(NULL, 0, SWEEP_MS);
		linger_sweep(list);
	}
	while ((one = list->first)) {
		list->first = one->next;
		close(one->fd);
		free(one);
	}
	pthread_mutex_destroy(&list->lock);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The sockets that connect to a pool's steered ports, until a connection claims them. */
#include "clock.h"
#include "pool.h"
#include "sockaddr.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define UNCLAIMED_MS 10000
#define MAX_BUFFER ((size_t)512 * 1024 * 1024)

static void set_receive_buffer(int fd, size_t bytes)
{
	/* The kernel doubles the value (socket(7)); without the privilege net.core.rmem_max caps
	 * it. */
	int half = (int)((bytes < MAX_BUFFER ? bytes : MAX_BUFFER) / 2);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
}

int pool_listen(struct pool *pool, struct pool_queue *queue, size_t bytes, struct devmem_error *err)
{
	struct sockaddr_storage address = pool->nic.addr;
	socklen_t length = sizeof(address);

	sockaddr_set_port(&address, 0);
	queue->listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (queue->listener < 0)
		return devmem_error_set(err, -errno, "socket: %s", strerror(errno));
	/*
	 * Window scale and clamp of a connection follow from the listener's buffer when it comes up
	 * (tcp_select_initial_window) and cannot grow later. Grants keep the pool from running
	 * empty, so a buffer may be as large as the pool.
	 */
	set_receive_buffer(queue->listener, bytes);
	if (bind(queue->listener, (struct sockaddr *)&address, sockaddr_length(&address)) ||
	    getsockname(queue->listener, (struct sockaddr *)&address, &length))
		return devmem_error_set(err, -errno, "cannot bind a data port on %s: %s",
					pool->nic.name, strerror(errno));
	queue->port = sockaddr_port(&address);
	return 0;
}

static void drop_late_ones(struct pool *pool, int64_t now)
{
	for (unsigned int i = 0; i < pool->n_strangers;) {
		if (pool->strangers[i].deadline_ms > now) {
			i++;
			continue;
		}
		close(pool->strangers[i].fd);
		pool->strangers[i] = pool->strangers[--pool->n_strangers];
	}
}

static void accept_strangers(struct pool *pool, int listener, int64_t now)
{
	while (pool->n_strangers < POOL_MAX_STRANGERS) {
		struct pool_stranger *stranger = &pool->strangers[pool->n_strangers];
		socklen_t length = sizeof(stranger->from);

		memset(&stranger->from, 0, sizeof(stranger->from));
		stranger->fd = accept4(listener, (struct sockaddr *)&stranger->from, &length,
				       SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (stranger->fd < 0)
			return;
		/* Until somebody vouches for it, it may hold no more of the pool than the kernel's
		 * least buffer. */
		set_receive_buffer(stranger->fd, 2);
		stranger->deadline_ms = now + UNCLAIMED_MS;
		pool->n_strangers++;
	}
}

static int find(const struct pool *pool, const struct sockaddr_storage *from)
{
	for (unsigned int i = 0; i < pool->n_strangers; i++)
		if (sockaddr_equal(&pool->strangers[i].from, from))
			return (int)i;
	return -1;
}

int pool_claim(struct pool *pool, const struct sockaddr_storage *from)
{
	int fd = -EAGAIN, i;

	pthread_mutex_lock(&pool->lock);
	i = find(pool, from);
	if (i < 0) {
		int64_t now = clock_ms();

		drop_late_ones(pool, now);
		for (unsigned int q = 0; q < pool->n_queues; q++)
			accept_strangers(pool, pool->queues[q].listener, now);
		i = find(pool, from);
	}
	if (i >= 0) {
		fd = pool->strangers[i].fd;
		pool->strangers[i] = pool->strangers[--pool->n_strangers];
	}
	pthread_mutex_unlock(&pool->lock);
	if (fd >= 0)
		set_receive_buffer(fd, pool->mem->size);
	return fd;
}

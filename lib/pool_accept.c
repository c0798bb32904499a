// SPDX-License-Identifier: BSD-3-Clause
/* The sockets that connect to a pool's steered ports, until a connection claims them. */
#include "clock.h"
#include "pool.h"
#include "sockaddr.h"
#include "sockopt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define UNCLAIMED_MS 10000

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
		sockopt_receive_buffer(stranger->fd, 2);
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
		for (unsigned int q = 0; q < pool->claim->n_queues; q++)
			accept_strangers(pool, pool->claim->queues[q].sockets[0].fd, now);
		i = find(pool, from);
	}
	if (i >= 0) {
		fd = pool->strangers[i].fd;
		pool->strangers[i] = pool->strangers[--pool->n_strangers];
	}
	pthread_mutex_unlock(&pool->lock);
	if (fd >= 0)
		sockopt_receive_buffer(fd, pool->mem->size);
	return fd;
}

// SPDX-License-Identifier: BSD-3-Clause
/* A pool from open to close, and the sockets that connect to its steered port. */
#include "pool.h"
#include "clock.h"
#include "error.h"
#include "rings.h"
#include "sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES 4096	  /* a buffer of the NIC: one page for each piece of payload */
#define DEFAULT_RING 1024 /* buffers that a NIC keeps ready, where the driver does not tell */
#define UNCLAIMED_MS 10000

static void set_receive_buffer(int fd, size_t bytes)
{
	/* The kernel doubles the value (socket(7)); without the privilege net.core.rmem_max caps
	 * it. */
	int half = (int)(bytes / 2);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
}

static int open_listener(struct pool *pool, struct devmem_error *err)
{
	socklen_t length = sizeof(pool->address);

	pool->address = pool->nic.addr;
	sockaddr_set_port(&pool->address, 0);
	pool->listener = socket(pool->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				0);
	if (pool->listener < 0)
		return devmem_error_set(err, -errno, "cannot open a data socket on %s: %s; %s",
					pool->nic.ifname, strerror(errno), error_advice(errno));
	/*
	 * Window scale and clamp of a connection follow from the listener's buffer when it comes up
	 * (tcp_select_initial_window) and cannot grow later, so the listener has the whole budget
	 * and each connection is cut down when it is accepted.
	 */
	set_receive_buffer(pool->listener, pool->budget);
	if (bind(pool->listener, (struct sockaddr *)&pool->address,
		 sockaddr_length(&pool->address)) ||
	    getsockname(pool->listener, (struct sockaddr *)&pool->address, &length))
		return devmem_error_set(err, -errno, "cannot bind a data port on %s: %s; %s",
					pool->nic.ifname, strerror(errno), error_advice(errno));
	return 0;
}

/* A queue may be bound by a process that knows nothing of leases: then the next one. */
static int bind_a_queue(struct pool *pool, const char *lease_dir, struct devmem_error *err)
{
	unsigned int below = pool->nic.rx_queues;
	int ret;

	for (;;) {
		ret = lease_take(&pool->nic, lease_dir, below, &pool->lease, err);
		if (ret)
			return ret;
		ret = devmem_bind_rx(pool->nic.ifindex, pool->mem->dmabuf_fd, &pool->lease->queue,
				     1, &pool->binding, err);
		if (ret != -EEXIST && ret != -EBUSY)
			return ret;
		below = pool->lease->queue;
		lease_release(pool->lease);
		pool->lease = NULL;
	}
}

static int steer(struct pool *pool, struct devmem_error *err)
{
	int ret;

	pool->rule.dst = pool->address;
	pool->rule.queue = pool->lease->queue;
	ret = devmem_rule_add(pool->nic.name, &pool->rule, err);
	if (ret)
		return ret;
	pool->rule_added = true;
	if (lease_journal(pool->lease, &pool->rule))
		return devmem_error_set(
			err, -EIO,
			"cannot note a steering rule in %s: %s; free space there, or set "
			"NCCL_DEVMEM_LEASE_DIR to another folder",
			pool->lease->path, strerror(errno));
	return 0;
}

static size_t ring_bytes(const struct devmem_nic *nic)
{
	struct nic_rings rings;

	if (nic_rings_get(nic->name, &rings, NULL) || !rings.rx)
		rings.rx = DEFAULT_RING;
	return (size_t)rings.rx * PAGE_BYTES;
}

int pool_open(const struct devmem_nic *nic, struct devmem_exporter *exporter, size_t bytes,
	      const char *lease_dir, struct pool **pool, struct devmem_error *err)
{
	struct pool *new = calloc(1, sizeof(*new));
	size_t ring = ring_bytes(nic);
	int ret;

	*pool = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->nic = *nic;
	new->exporter = exporter;
	new->listener = -1;
	pthread_mutex_init(&new->lock, NULL);
	if (bytes < 2 * ring) {
		ret = devmem_error_set(
			err, -EINVAL,
			"a pool of %zu bytes cannot feed the rx ring of %s, which takes %zu: set "
			"NCCL_DEVMEM_POOL_MB to %zu or more, or shorten the ring (ethtool -G %s rx "
			"N)",
			bytes, nic->name, ring, (2 * ring >> 20) + 1, nic->name);
		goto fail;
	}
	new->budget = bytes - ring;
	ret = devmem_mem_alloc(exporter, bytes, &new->mem, err);
	if (!ret)
		ret = bind_a_queue(new, lease_dir, err);
	if (!ret)
		ret = open_listener(new, err);
	if (!ret)
		ret = steer(new, err);
	if (!ret && listen(new->listener, 1024))
		ret = devmem_error_set(err, -errno, "cannot listen on the data port of %s: %s; %s",
				       nic->ifname, strerror(errno), error_advice(errno));
	if (ret)
		goto fail;
	*pool = new;
	return 0;

fail:
	pool_close(new);
	return ret;
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	if (pool->listener >= 0)
		close(pool->listener);
	for (unsigned int i = 0; i < pool->n_strangers; i++)
		close(pool->strangers[i].fd);
	if (pool->rule_added && !devmem_rule_del(pool->nic.name, pool->rule.location, NULL))
		lease_journal(pool->lease, NULL);
	devmem_binding_release(pool->binding);
	devmem_mem_free(pool->mem);
	lease_release(pool->lease);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static void drop_stranger(struct pool *pool, unsigned int i)
{
	close(pool->strangers[i].fd);
	pool->strangers[i] = pool->strangers[--pool->n_strangers];
}

static void accept_strangers(struct pool *pool)
{
	int64_t now = clock_ms();

	for (unsigned int i = 0; i < pool->n_strangers;) {
		if (pool->strangers[i].deadline_ms <= now)
			drop_stranger(pool, i);
		else
			i++;
	}
	while (pool->n_strangers < POOL_MAX_STREAMS) {
		struct pool_stranger *stranger = &pool->strangers[pool->n_strangers];
		socklen_t length = sizeof(stranger->from);

		memset(&stranger->from, 0, sizeof(stranger->from));
		stranger->fd = accept4(pool->listener, (struct sockaddr *)&stranger->from, &length,
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

/*
 * Flows that were accepted earlier may still fill the larger window that they have advertised; the
 * sum of 1/n of these is covered by handing out half of the budget only.
 */
static void share_budget(struct pool *pool)
{
	for (unsigned int i = 0; i < pool->n_streams; i++)
		set_receive_buffer(pool->streams[i], pool->budget / 2 / pool->n_streams);
}

int pool_claim(struct pool *pool, const struct sockaddr_storage *from)
{
	int fd = -EAGAIN;

	pthread_mutex_lock(&pool->lock);
	accept_strangers(pool);
	for (unsigned int i = 0; i < pool->n_strangers; i++) {
		if (!sockaddr_equal(&pool->strangers[i].from, from))
			continue;
		if (pool->n_streams == POOL_MAX_STREAMS) {
			fd = -EMFILE;
			break;
		}
		fd = pool->strangers[i].fd;
		pool->strangers[i] = pool->strangers[--pool->n_strangers];
		pool->streams[pool->n_streams++] = fd;
		share_budget(pool);
		break;
	}
	pthread_mutex_unlock(&pool->lock);
	return fd;
}

void pool_stream_gone(struct pool *pool, int fd)
{
	pthread_mutex_lock(&pool->lock);
	for (unsigned int i = 0; i < pool->n_streams; i++) {
		if (pool->streams[i] != fd)
			continue;
		pool->streams[i] = pool->streams[--pool->n_streams];
		break;
	}
	share_budget(pool);
	pthread_mutex_unlock(&pool->lock);
}

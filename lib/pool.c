// SPDX-License-Identifier: BSD-3-Clause
/* A pool from open to close: memory, leased queues, steered ports. */
#include "pool.h"
#include "error.h"
#include "pool_size.h"
#include "rings.h"
#include "sockaddr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_RING 1024 /* buffers that a NIC keeps ready, where the driver does not tell */
#define BACKLOG 4096	  /* net.core.somaxconn caps it */

static void queue_close(struct pool *pool, struct pool_queue *queue)
{
	if (queue->listener >= 0)
		close(queue->listener);
	if (queue->rule_added && !devmem_rule_del(pool->nic.name, queue->rule.location, NULL))
		lease_journal(queue->lease, NULL);
}

/* Leases at most @n queues below *@below that nobody has bound without a lease. At least one, or an
 * error. */
static int lease_queues(struct pool *pool, const char *dir, unsigned int n, unsigned int *below,
			struct devmem_error *err)
{
	while (pool->n_queues < n) {
		struct pool_queue *queue = &pool->queues[pool->n_queues];
		uint32_t id = 0;
		int ret = lease_take(&pool->nic, dir, *below, &queue->lease, err);

		if (ret)
			return pool->n_queues && ret == -EBUSY ? 0 : ret;
		*below = queue->lease->queue;
		if (!devmem_queue_binding(pool->nic.ifindex, queue->lease->queue, &id, NULL) &&
		    id) {
			lease_release(queue->lease);
			queue->lease = NULL;
			continue;
		}
		queue->listener = -1;
		pool->n_queues++;
	}
	return 0;
}

static void release_queues(struct pool *pool)
{
	while (pool->n_queues) {
		struct pool_queue *queue = &pool->queues[--pool->n_queues];

		queue_close(pool, queue);
		lease_release(queue->lease);
		*queue = (struct pool_queue){.listener = -1};
	}
}

/* A queue may be taken by a process that knows nothing of leases, between a look and the binding:
 * then others. */
static int bind_queues(struct pool *pool, const struct pool_options *options, unsigned int n,
		       struct devmem_error *err)
{
	unsigned int below = pool->nic.rx_queues, queues[WIRE_STREAMS];
	int ret;

	for (;;) {
		ret = lease_queues(pool, options->lease_dir, n, &below, err);
		if (ret)
			return ret;
		for (unsigned int i = 0; i < pool->n_queues; i++)
			queues[i] = pool->queues[i].lease->queue;
		ret = devmem_bind_rx(pool->nic.ifindex, pool->mem->dmabuf_fd, queues,
				     pool->n_queues, &pool->binding, err);
		if (ret != -EEXIST && ret != -EBUSY)
			return ret;
		release_queues(pool);
	}
}

static size_t ring_bytes(const struct devmem_nic *nic)
{
	struct nic_rings rings;

	if (nic_rings_get(nic->name, &rings, NULL) || !rings.rx)
		rings.rx = DEFAULT_RING;
	return (size_t)rings.rx * POOL_PAGE_BYTES;
}

static int check_size(const struct pool *pool, size_t bytes, unsigned int queues, size_t ring,
		      struct devmem_error *err)
{
	if (bytes >= 2 * ring * queues)
		return 0;
	return devmem_error_set(
		err, -EINVAL,
		"a pool of %zu bytes cannot feed the rx rings of %u queues of %s, which take %zu "
		"each: set "
		"NCCL_DEVMEM_POOL_MB to %zu or more, or shorten the rings (ethtool -G %s rx N)",
		bytes, queues, pool->nic.name, ring, (2 * ring * queues >> 20) + 1, pool->nic.name);
}

static int open_port(struct pool *pool, struct pool_queue *queue, size_t bytes,
		     struct devmem_error *err)
{
	int ret = pool_listen(pool, queue, bytes, err);

	if (ret)
		return ret;
	queue->rule.dst = pool->nic.addr;
	sockaddr_set_port(&queue->rule.dst, queue->port);
	queue->rule.queue = queue->lease->queue;
	ret = devmem_rule_add(pool->nic.name, &queue->rule, err);
	if (ret)
		return ret;
	queue->rule_added = true;
	if (lease_journal(queue->lease, &queue->rule))
		return devmem_error_set(err, -EIO,
					"cannot note a steering rule in %s: %s; free space there, "
					"or set NCCL_DEVMEM_LEASE_DIR to another folder",
					queue->lease->path, strerror(errno));
	if (listen(queue->listener, BACKLOG))
		return devmem_error_set(err, -errno, "cannot listen on a data port of %s: %s; %s",
					pool->nic.ifname, strerror(errno), error_advice(errno));
	return 0;
}

static int open_all(struct pool *pool, const struct pool_options *options, struct devmem_error *err)
{
	unsigned int queues = options->queues ? options->queues : pool_size_queues(&pool->nic);
	size_t ring = ring_bytes(&pool->nic);
	size_t bytes = options->bytes;
	int ret;

	queues = queues < WIRE_STREAMS ? queues : WIRE_STREAMS;
	while (bytes && !options->queues && queues > 1 && bytes < 2 * ring * queues)
		queues--; /* fewer, rather than none */
	if (!bytes)
		bytes = pool_size_bytes(&pool->nic, queues, ring);
	ret = check_size(pool, bytes, queues, ring, err);
	if (!ret)
		ret = devmem_mem_alloc(pool->exporter, bytes, &pool->mem, err);
	if (!ret)
		ret = bind_queues(pool, options, queues, err);
	for (unsigned int i = 0; !ret && i < pool->n_queues; i++)
		ret = open_port(pool, &pool->queues[i], bytes, err);
	if (!ret)
		budget_init(&pool->budget, pool_size_budget(bytes, pool->n_queues, ring));
	return ret;
}

int pool_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
	      const struct pool_options *options, struct pool **pool, struct devmem_error *err)
{
	struct pool *new = calloc(1, sizeof(*new));
	int ret;

	*pool = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->nic = *nic;
	new->exporter = exporter;
	new->page_payload = pool_size_page_payload(nic);
	pthread_mutex_init(&new->lock, NULL);
	ret = open_all(new, options, err);
	if (ret) {
		pool_close(new);
		return ret;
	}
	*pool = new;
	return 0;
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	for (unsigned int i = 0; i < pool->n_queues; i++)
		queue_close(pool, &pool->queues[i]);
	for (unsigned int i = 0; i < pool->n_strangers; i++)
		close(pool->strangers[i].fd);
	devmem_binding_release(pool->binding);
	devmem_mem_free(pool->mem);
	for (unsigned int i = 0; i < pool->n_queues; i++)
		lease_release(pool->queues[i].lease);
	if (pool->budget.total)
		budget_destroy(&pool->budget);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

// SPDX-License-Identifier: BSD-3-Clause
/* A pool from open to close: memory, and the queues and ports that lead to it. */
#include "bind.h"
#include "broker.h"
#include "error.h"
#include "mem_ops.h"
#include "pool.h"
#include "pool_size.h"
#include "rings.h"
#include "sockopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int claim_queues(struct pool *pool, const struct pool_options *options, unsigned int queues,
			size_t bytes, size_t buffer, struct devmem_error *err)
{
	const struct claim_options wanted = {
		.queues = queues,
		.dmabuf_fd = pool->mem->dmabuf_fd,
		.buffer = buffer,
		.receive_buffer = bytes,
		.lease_dir = options->lease_dir,
		.uid = getuid(),
	};
	int ret = options->broker
			  ? broker_claim(options->broker, &pool->nic, &wanted, &pool->claim, err)
			  : claim_open(&pool->nic, &wanted, &pool->claim, err);

	if (ret)
		return ret;
	pool->binding = pool->claim->binding;
	/* Connections have it from their listener: that saves system calls for each. */
	for (unsigned int q = 0; q < pool->claim->n_queues; q++) {
		sockopt_peer_timeout(pool->claim->queues[q].sockets[0].fd, options->peer_timeout_s);
		sockopt_probe_peer(pool->claim->queues[q].sockets[0].fd, options->peer_timeout_s);
		sockopt_end_abruptly(pool->claim->queues[q].sockets[0].fd);
	}
	return 0;
}

/* Memory of single pages has no large buffers, and most kernels know of none. */
static bool large_possible(const struct pool *pool)
{
	return pool->exporter->ops->contiguous && bind_rx_takes_buffers(pool->nic.ifindex);
}

static int open_all(struct pool *pool, const struct pool_options *options, struct devmem_error *err)
{
	unsigned int queues = options->queues ? options->queues : pool_size_queues(&pool->nic);
	size_t ring = nic_ring_bytes(pool->nic.name);
	size_t bytes = options->bytes;
	int ret;

	queues = queues < WIRE_STREAMS ? queues : WIRE_STREAMS;
	while (bytes && !options->queues && queues > 1 && bytes < 2 * ring * queues)
		queues--; /* fewer, rather than none */
	if (!bytes)
		bytes = pool_size_bytes(&pool->nic, queues, ring, large_possible(pool));
	ret = check_size(pool, bytes, queues, ring, err);
	if (!ret)
		ret = devmem_mem_alloc(pool->exporter, bytes, &pool->mem, err);
	if (!ret)
		ret = claim_queues(pool, options, queues, bytes,
				   pool_size_buffer(&pool->nic, bytes, queues, ring), err);
	if (ret)
		return ret;
	pool->page_payload = pool_size_payload(&pool->nic, pool->claim->buffer);
	budget_init(&pool->budget, pool_size_budget(bytes, pool->claim->n_queues, ring,
						    pool->claim->buffer));
	return 0;
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
	for (unsigned int i = 0; i < pool->n_strangers; i++)
		close(pool->strangers[i].fd);
	claim_close(pool->claim);
	devmem_mem_free(pool->mem);
	if (pool->budget.total)
		budget_destroy(&pool->budget);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

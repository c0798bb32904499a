// SPDX-License-Identifier: BSD-3-Clause
/* Leases rx queues, binds a dmabuf to them and steers a port to each, from open to close. */
#include "bind.h"
#include "broker.h"
#include "claim.h"
#include "claim_port.h"
#include "error.h"
#include "sockaddr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096 /* net.core.somaxconn caps it */

static const struct claim_queue no_queue = {.lock = -1};

/* A rule goes before its port may become somebody else's. */
static void unsteer(struct claim *claim, struct claim_queue *queue)
{
	bool gone = true;

	for (unsigned int i = 0; queue->ruled && i < queue->n_sockets; i++) {
		struct devmem_rule rule = lease_rule_at(&queue->rule, i);
		int ret;

		rule.location = queue->sockets[i].location;
		ret = lease_rule_del(claim->nic.name, &rule);
		gone &= !ret || ret == -ENOENT;
	}
	if (queue->ruled && gone)
		lease_journal(queue->lease, NULL);
	queue->ruled = false;
	claim_port_close(queue);
}

static void release_queues(struct claim *claim)
{
	while (claim->n_queues) {
		struct claim_queue *queue = &claim->queues[--claim->n_queues];

		unsteer(claim, queue);
		lease_release(queue->lease);
		claim_close_descriptor(&queue->lock);
		*queue = no_queue;
	}
}

/* Leases at most @n queues below *@below that nobody has bound without a lease. At least one, or an
 * error. */
static int lease_queues(struct claim *claim, const struct claim_options *options,
			unsigned int *below, struct devmem_error *err)
{
	while (claim->n_queues < options->queues) {
		struct claim_queue *queue = &claim->queues[claim->n_queues];
		uint32_t id = 0;
		int ret = lease_take(&claim->nic, options->lease_dir, *below, &queue->lease, err);

		if (ret)
			return claim->n_queues && ret == -EBUSY ? 0 : ret;
		queue->queue = *below = queue->lease->queue;
		if (!devmem_queue_binding(claim->nic.ifindex, queue->queue, &id, NULL) && id) {
			lease_release(queue->lease);
			queue->lease = NULL;
			continue;
		}
		(void)lease_own(queue->lease, options->uid, options->guard);
		claim->n_queues++;
	}
	return 0;
}

/* A queue may be taken by a process that knows nothing of leases, between a look and the binding:
 * then others. */
static int bind_queues(struct claim *claim, const struct claim_options *options,
		       struct devmem_error *err)
{
	unsigned int below = claim->nic.rx_queues, queues[WIRE_STREAMS];
	int ret;

	for (;;) {
		ret = lease_queues(claim, options, &below, err);
		if (ret)
			return ret;
		for (unsigned int i = 0; i < claim->n_queues; i++)
			queues[i] = claim->queues[i].queue;
		claim->buffer = options->buffer ? options->buffer : BIND_PAGE_BYTES;
		ret = bind_rx(claim->nic.ifindex, options->dmabuf_fd, queues, claim->n_queues,
			      &claim->buffer, &claim->binding, err);
		if (ret != -EEXIST && ret != -EBUSY)
			return ret;
		release_queues(claim);
	}
}

static int journal(struct claim_queue *queue, struct devmem_error *err)
{
	if (!lease_journal(queue->lease, &queue->rule))
		return 0;
	return devmem_error_set(err, -EIO,
				"cannot note a steering rule in %s: %s; free space there, or set "
				"NCCL_DEVMEM_LEASE_DIR to another folder",
				queue->lease->path, strerror(errno));
}

static int steer(struct claim *claim, struct claim_queue *queue, struct devmem_error *err)
{
	int ret;

	queue->rule.dst = claim->nic.addr;
	sockaddr_set_port(&queue->rule.dst, queue->port);
	queue->rule.queue = queue->queue;
	/* Noted first, so that there is no moment in which a killed process leaves a rule that
	 * nobody knows of. */
	queue->ruled = true;
	queue->lease->ports = queue->n_sockets;
	ret = journal(queue, err);
	for (unsigned int i = 0; !ret && i < queue->n_sockets; i++) {
		struct devmem_rule rule = lease_rule_at(&queue->rule, i);

		ret = devmem_rule_add(claim->nic.name, &rule, err);
		queue->sockets[i].location = rule.location;
	}
	queue->rule.location = queue->sockets[0].location;
	return ret ? ret : journal(queue, err);
}

static int open_port(struct claim *claim, struct claim_queue *queue,
		     const struct claim_options *options, struct devmem_error *err)
{
	int ret = claim_port_open(claim, queue, options, err);

	if (!ret)
		ret = steer(claim, queue, err);
	if (ret)
		return ret;
	if (!options->connectors && listen(queue->sockets[0].fd, BACKLOG))
		return devmem_error_set(err, -errno, "cannot listen on a data port of %s: %s; %s",
					claim->nic.ifname, strerror(errno), error_advice(errno));
	return claim_port_shut(queue, err);
}

struct claim *claim_new(const struct devmem_nic *nic)
{
	struct claim *claim = calloc(1, sizeof(*claim));

	if (!claim)
		return NULL;
	claim->nic = *nic;
	claim->broker = -1;
	for (unsigned int i = 0; i < WIRE_STREAMS; i++)
		claim->queues[i] = no_queue;
	return claim;
}

int claim_open(const struct devmem_nic *nic, const struct claim_options *options,
	       struct claim **claim, struct devmem_error *err)
{
	struct claim *new = claim_new(nic);
	int ret;

	*claim = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	ret = bind_queues(new, options, err);
	for (unsigned int i = 0; !ret && i < new->n_queues; i++)
		ret = open_port(new, &new->queues[i], options, err);
	if (ret) {
		claim_close(new);
		return ret;
	}
	*claim = new;
	return 0;
}

void claim_close(struct claim *claim)
{
	if (!claim)
		return;
	if (claim->binding && claim->broker >= 0)
		broker_release(claim);
	for (unsigned int i = 0; i < claim->n_queues; i++)
		unsteer(claim, &claim->queues[i]);
	devmem_binding_release(claim->binding);
	release_queues(claim);
	claim_close_descriptor(&claim->broker);
	free(claim);
}

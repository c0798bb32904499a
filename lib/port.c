// SPDX-License-Identifier: BSD-3-Clause
/* Everything that receiving to device memory takes, in one call: the public form of a claim. */
#include "broker.h"
#include "claim.h"
#include "pool_size.h"
#include "rings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct devmem_port {
	struct claim *claim;
};

_Static_assert(DEVMEM_PORT_QUEUES == WIRE_STREAMS, "a port has as many queues as a claim");

/* Bytes in flight for each queue. What a ring keeps of the memory, and fills again, is not theirs;
 * and half of the rest is for segments that are not full, and those out of order. */
static int room_of(const struct devmem_nic *nic, size_t size, unsigned int queues, size_t *room,
		   struct devmem_error *err)
{
	size_t rings = 2 * nic_ring_bytes(nic->name) * queues;

	if (size <= rings)
		return devmem_error_set(
			err, -EINVAL,
			"%zu bytes of memory cannot feed the rx rings of %u queue(s) "
			"of %s: take more than %zu, or shorten the rings (ethtool -G "
			"%s rx N)",
			size, queues, nic->name, rings, nic->name);
	*room = (size - rings) / 2 / queues / POOL_PAGE_BYTES * pool_size_page_payload(nic);
	return 0;
}

static int check_wish(const struct devmem_nic *nic, const struct devmem_mem *mem,
		      struct claim_options *wanted, struct devmem_error *err)
{
	size_t room = 0;
	int ret;

	if (wanted->queues > DEVMEM_PORT_QUEUES || mem->dmabuf_fd < 0)
		return devmem_error_set(err, -EINVAL,
					"a port takes memory with a dmabuf, and 1 to %d queues",
					DEVMEM_PORT_QUEUES);
	ret = room_of(nic, mem->size, wanted->queues, &room, err);
	if (!wanted->receive_buffer)
		wanted->receive_buffer = room;
	return ret;
}

static int claim_queues(const struct devmem_nic *nic, const char *broker,
			const struct claim_options *wanted, struct claim **claim,
			struct devmem_error *err)
{
	struct devmem_nic_caps caps;
	int ret = devmem_nic_probe(nic, &caps, err);

	if (ret)
		return ret;
	broker = broker_choose(broker, caps.net_admin);
	return broker ? broker_claim(broker, nic, wanted, claim, err)
		      : claim_open(nic, wanted, claim, err);
}

/* claim_open() makes listeners for programs that never wait. */
static void make_blocking(struct claim *claim)
{
	for (unsigned int i = 0; i < claim->n_queues; i++) {
		int fd = claim->queues[i].listener;

		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	}
}

int devmem_port_open(const struct devmem_nic *nic, const struct devmem_mem *mem,
		     const struct devmem_port_options *options, struct devmem_port **port,
		     struct devmem_error *err)
{
	static const struct devmem_port_options usual;
	const struct devmem_port_options *wish = options ? options : &usual;
	struct claim_options wanted = {
		.queues = wish->queues ? wish->queues : 1,
		.dmabuf_fd = mem->dmabuf_fd,
		.receive_buffer = wish->receive_buffer,
		.lease_dir = wish->lease_dir ? wish->lease_dir : LEASE_DIR,
		.uid = getuid(),
	};
	struct devmem_port *new = calloc(1, sizeof(*new));
	int ret;

	*port = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	ret = check_wish(nic, mem, &wanted, err);
	if (!ret)
		ret = claim_queues(nic, wish->broker ? wish->broker : "auto", &wanted, &new->claim,
				   err);
	if (ret) {
		free(new);
		return ret;
	}
	make_blocking(new->claim);
	*port = new;
	return 0;
}

void devmem_port_close(struct devmem_port *port)
{
	if (!port)
		return;
	claim_close(port->claim);
	free(port);
}

unsigned int devmem_port_queues(const struct devmem_port *port)
{
	return port->claim->n_queues;
}

int devmem_port_listener(const struct devmem_port *port, unsigned int i)
{
	return port->claim->queues[i].listener;
}

uint16_t devmem_port_number(const struct devmem_port *port, unsigned int i)
{
	return port->claim->queues[i].port;
}

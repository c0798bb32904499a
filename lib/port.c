// SPDX-License-Identifier: BSD-3-Clause
/* Everything that receiving to device memory takes, in one call: the public form of a claim. */
#include "broker.h"
#include "claim.h"
#include "error.h"
#include "pool_size.h"
#include "rings.h"
#include "sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct devmem_port {
	struct claim *claim;
	unsigned int connectors; /* of each queue; 0: it listens */
};

_Static_assert(DEVMEM_PORT_QUEUES == WIRE_STREAMS, "a port has as many queues as a claim");
_Static_assert(DEVMEM_PORT_CONNECTORS == CLAIM_SOCKETS, "and as many sockets");

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
	*room = (size - rings) / 2 / queues / POOL_PAGE_BYTES *
		pool_size_payload(nic, POOL_PAGE_BYTES);
	return 0;
}

static int check_wish(const struct devmem_nic *nic, const struct devmem_mem *mem,
		      struct claim_options *wanted, struct devmem_error *err)
{
	unsigned int flows = wanted->connectors ? wanted->connectors : 1;
	size_t room = 0;
	int ret;

	if (wanted->queues > DEVMEM_PORT_QUEUES || wanted->connectors > DEVMEM_PORT_CONNECTORS ||
	    BROKER_FDS(wanted->queues, wanted->connectors) > BROKER_MAX_FDS || mem->dmabuf_fd < 0)
		return devmem_error_set(err, -EINVAL,
					"a port takes memory with a dmabuf, 1 to %d queues, and at "
					"most %d connectors of each, and %d of all",
					DEVMEM_PORT_QUEUES, DEVMEM_PORT_CONNECTORS,
					BROKER_MAX_FDS - 1 - DEVMEM_PORT_QUEUES);
	ret = room_of(nic, mem->size, wanted->queues, &room, err);
	if (ret)
		return ret;
	if (room / flows < POOL_PAGE_BYTES)
		return devmem_error_set(err, -EINVAL,
					"%zu bytes of memory leave %zu for each of %u connections: "
					"take more memory, or fewer connections",
					mem->size, room / flows, flows * wanted->queues);
	if (!wanted->receive_buffer)
		wanted->receive_buffer = room / flows;
	return 0;
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
		int fd = claim->queues[i].sockets[0].fd;

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
		.connectors = wish->connectors,
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
	new->connectors = wish->connectors;
	if (!new->connectors)
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
	return port->connectors ? -1 : port->claim->queues[i].sockets[0].fd;
}

uint16_t devmem_port_number(const struct devmem_port *port, unsigned int i)
{
	return port->claim->queues[i].port;
}

unsigned int devmem_port_connectors(const struct devmem_port *port)
{
	return port->connectors * port->claim->n_queues;
}

static int connector_fd(const struct devmem_port *port, unsigned int i)
{
	const struct claim *claim = port->claim;

	return claim->queues[i % claim->n_queues].sockets[i / claim->n_queues].fd;
}

int devmem_port_connect(struct devmem_port *port, unsigned int i, const struct sockaddr_storage *to,
			struct devmem_error *err)
{
	char text[SOCKADDR_TEXT];
	int own = connector_fd(port, i), fd, ret;

	fd = fcntl(own, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return devmem_error_set(err, -errno, "cannot duplicate a socket: %s; %s",
					strerror(errno), error_advice(errno));
	if (!connect(fd, (const struct sockaddr *)to, sockaddr_length(to)) || errno == EINPROGRESS)
		return fd;
	ret = -errno;
	close(fd);
	return devmem_error_set(err, ret, "cannot connect to %s: %s; %s", sockaddr_text(to, text),
				strerror(-ret), error_advice(ret));
}

void devmem_port_disconnect(struct devmem_port *port, unsigned int i)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	(void)connect(connector_fd(port, i), &nobody, sizeof(nobody));
}

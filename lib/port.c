// SPDX-License-Identifier: BSD-3-Clause
/* Everything that receiving to device memory takes, in one call: the public form of a claim. */
#include "broker.h"
#include "claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct devmem_port {
	struct claim *claim;
};

_Static_assert(DEVMEM_PORT_QUEUES == WIRE_STREAMS, "a port has as many queues as a claim");

static int choose_broker(const struct devmem_nic *nic, const char *wish, const char **path,
			 struct devmem_error *err)
{
	struct devmem_nic_caps caps;
	int ret;

	*path = wish && strcmp(wish, "off") ? wish : NULL;
	if (wish)
		return 0;
	ret = devmem_nic_probe(nic, &caps, err);
	if (!ret && !caps.net_admin)
		*path = BROKER_SOCKET;
	return ret;
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
	const char *broker = NULL;
	int ret;

	*port = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	if (wanted.queues > DEVMEM_PORT_QUEUES || mem->dmabuf_fd < 0)
		ret = devmem_error_set(err, -EINVAL,
				       "a port takes memory with a dmabuf, and 1 to %d queues",
				       DEVMEM_PORT_QUEUES);
	else
		ret = choose_broker(nic, wish->broker, &broker, err);
	if (!ret)
		ret = broker ? broker_claim(broker, nic, &wanted, &new->claim, err)
			     : claim_open(nic, &wanted, &new->claim, err);
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

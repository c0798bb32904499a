// SPDX-License-Identifier: BSD-3-Clause
/* The TCP ports of a claim's queue, and how they are kept from others. */
#include "claim_port.h"
#include "error.h"
#include "sockaddr.h"
#include "sockopt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TRIES 64 /* for so many free ports in a row */

static int set_reuse(int fd, int value)
{
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)) ? -errno : 0;
}

static int new_socket(const struct sockaddr_storage *address)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Binds @fd and learns its port, if @address has none. */
static int bind_port(int fd, struct sockaddr_storage *address)
{
	socklen_t length = sizeof(*address);

	if (bind(fd, (struct sockaddr *)address, sockaddr_length(address)) ||
	    getsockname(fd, (struct sockaddr *)address, &length))
		return -errno;
	return 0;
}

/*
 * A port that a socket without SO_REUSEADDR could be bound to has no other socket. Then the option
 * lets a second one have it, too, as long as none listens.
 */
static int take_guarded(struct claim_socket *sock, struct sockaddr_storage *address)
{
	int ret = new_socket(address);

	if (ret < 0)
		return ret;
	sock->guard = ret;
	ret = bind_port(sock->guard, address);
	if (!ret)
		ret = set_reuse(sock->guard, 1);
	return ret ? ret : set_reuse(sock->fd, 1);
}

/* Opens a socket of the claim on @address, whose port is learnt if it has none. */
static int open_socket(struct claim_socket *sock, const struct claim_options *options,
		       struct sockaddr_storage *address)
{
	int ret = new_socket(address);

	if (ret < 0)
		return ret;
	sock->fd = ret;
	/*
	 * Window scale and clamp of a connection follow from the buffer when it comes up
	 * (tcp_select_initial_window) and cannot grow later. Either grants keep the pool from
	 * running empty, and a buffer may be as large as the pool, or all buffers fit the pool.
	 */
	sockopt_receive_buffer(sock->fd, options->receive_buffer);
	ret = options->guard ? take_guarded(sock, address) : 0;
	return ret ? ret : bind_port(sock->fd, address);
}

void claim_close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void claim_port_close(struct claim_queue *queue)
{
	for (unsigned int i = 0; i < queue->n_sockets; i++) {
		claim_close_descriptor(&queue->sockets[i].fd);
		claim_close_descriptor(&queue->sockets[i].guard);
	}
	queue->n_sockets = 0;
}

/* A port that was free a moment ago. A socket that gets its port by number keeps it from one
 * connection to the next (SOCK_BINDPORT_LOCK). */
static int choose_port(struct sockaddr_storage *address)
{
	int fd = new_socket(address), ret;

	if (fd < 0)
		return fd;
	ret = bind_port(fd, address);
	close(fd);
	return ret;
}

/* Takes @n ports in a row from the one on that the kernel chooses. -EADDRINUSE: one is taken. */
static int open_sockets(const struct claim *claim, struct claim_queue *queue, unsigned int n,
			const struct claim_options *options)
{
	struct sockaddr_storage address = claim->nic.addr;
	int ret = 0;

	sockaddr_set_port(&address, 0);
	if (options->connectors)
		ret = choose_port(&address);
	while (!ret && queue->n_sockets < n) {
		struct claim_socket *sock = &queue->sockets[queue->n_sockets];

		if (queue->n_sockets && sockaddr_port(&address) == UINT16_MAX)
			return -EADDRINUSE;
		if (queue->n_sockets)
			sockaddr_set_port(&address, (uint16_t)(sockaddr_port(&address) + 1));
		*sock = (struct claim_socket){.fd = -1, .guard = -1};
		queue->n_sockets++;
		ret = open_socket(sock, options, &address);
	}
	queue->port = (uint16_t)(sockaddr_port(&address) + 1 - n);
	return ret;
}

int claim_port_open(struct claim *claim, struct claim_queue *queue,
		    const struct claim_options *options, struct devmem_error *err)
{
	unsigned int n = options->connectors ? options->connectors : 1;
	int ret = n <= CLAIM_SOCKETS ? -EADDRINUSE : -EINVAL;

	for (int try = 0; ret == -EADDRINUSE && try < TRIES; try++) {
		claim_port_close(queue);
		ret = open_sockets(claim, queue, n, options);
	}
	if (ret)
		return devmem_error_set(err, ret, "cannot open a data port on %s: %s; %s",
					claim->nic.ifname, strerror(-ret), error_advice(ret));
	return 0;
}

int claim_port_shut(struct claim_queue *queue, struct devmem_error *err)
{
	int ret = 0;

	/* A socket without the option, listening or not, lets no other have its port. */
	for (unsigned int i = 0; !ret && i < queue->n_sockets; i++)
		if (queue->sockets[i].guard >= 0)
			ret = set_reuse(queue->sockets[i].guard, 0);
	return ret ? devmem_error_set(err, ret, "cannot guard data port %u: %s; %s", queue->port,
				      strerror(-ret), error_advice(ret))
		   : 0;
}

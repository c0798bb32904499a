// SPDX-License-Identifier: BSD-3-Clause
/* The TCP port of a claim's queue, and how it is kept from others. */
#include "claim_port.h"
#include "error.h"
#include "sockaddr.h"
#include "sockopt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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
 * A port that the kernel chooses for a socket without SO_REUSEADDR has no other socket. Then the
 * option lets a second one have it, too, as long as none listens.
 */
static int take_guarded(struct claim_queue *queue, struct sockaddr_storage *address)
{
	int ret = new_socket(address);

	if (ret < 0)
		return ret;
	queue->guard = ret;
	ret = bind_port(queue->guard, address);
	if (!ret)
		ret = set_reuse(queue->guard, 1);
	return ret ? ret : set_reuse(queue->listener, 1);
}

int claim_port_open(struct claim *claim, struct claim_queue *queue,
		    const struct claim_options *options, struct devmem_error *err)
{
	struct sockaddr_storage address = claim->nic.addr;
	int ret;

	sockaddr_set_port(&address, 0);
	ret = new_socket(&address);
	if (ret < 0)
		return devmem_error_set(err, ret, "cannot open a data socket on %s: %s; %s",
					claim->nic.ifname, strerror(-ret), error_advice(ret));
	queue->listener = ret;
	/*
	 * Window scale and clamp of a connection follow from the listener's buffer when it comes up
	 * (tcp_select_initial_window) and cannot grow later. Grants keep the pool from running
	 * empty, so a buffer may be as large as the pool.
	 */
	sockopt_receive_buffer(queue->listener, options->receive_buffer);
	ret = options->guard ? take_guarded(queue, &address) : 0;
	if (!ret)
		ret = bind_port(queue->listener, &address);
	if (ret)
		return devmem_error_set(err, ret, "cannot bind a data port on %s: %s; %s",
					claim->nic.ifname, strerror(-ret), error_advice(ret));
	queue->port = sockaddr_port(&address);
	return 0;
}

int claim_port_shut(struct claim_queue *queue, struct devmem_error *err)
{
	/* A socket without the option, listening or not, lets no other have its port. */
	int ret = queue->guard < 0 ? 0 : set_reuse(queue->guard, 0);

	return ret ? devmem_error_set(err, ret, "cannot guard data port %u: %s; %s", queue->port,
				      strerror(-ret), error_advice(ret))
		   : 0;
}

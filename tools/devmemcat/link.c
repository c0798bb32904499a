// SPDX-License-Identifier: BSD-3-Clause
/* What connecting and listening share: socket, window, clean-up. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sockaddr.h"

int link_socket(const struct options *options, int family, int type, struct link *link,
		struct devmem_error *err)
{
	const char *name = options->interface;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -errno, "socket: %s",
				 strerror(errno));
	/* Without it the route could lead elsewhere than to the NIC that was asked for. */
	if (name && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name))) {
		int ret = link_fail(link, EXIT_STATUS_SETUP, err, -errno,
				    "cannot use interface '%s': %s; ip -br link lists them", name,
				    strerror(errno));

		close(fd);
		return ret;
	}
	return fd;
}

static void set_receive_buffer(int fd, size_t bytes)
{
	/* The kernel doubles the value (socket(7)); without the privilege net.core.rmem_max caps
	 * it. */
	int half = (int)(bytes / 2);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
}

int link_window(const struct options *options, struct devmem_exporter *exporter,
		const struct devmem_nic *nic, struct link *link, struct devmem_error *err)
{
	int ret = window_open(nic, exporter, options, &link->window, err);

	/* Before connect() or listen(): window scale and clamp follow from it then. */
	if (!ret)
		set_receive_buffer(link->fd, link->window->budget);
	if (!ret && !options->no_setup)
		ret = window_steer(link->window, &link->local, err);
	if (ret)
		link->status = EXIT_STATUS_SETUP;
	return ret;
}

int link_open(const struct options *options, struct devmem_exporter *exporter, bool into_device,
	      struct link *link, struct devmem_error *err)
{
	socklen_t length = sizeof(link->local), peer_length = sizeof(link->remote);
	int ret;

	*link = (struct link){.fd = -1, .status = EXIT_STATUS_TRANSFER};
	ret = options->listen ? link_listen(options, exporter, into_device, link, err)
			      : link_connect(options, exporter, into_device, link, err);
	if (ret)
		return ret;
	if (getsockname(link->fd, (struct sockaddr *)&link->local, &length) ||
	    getpeername(link->fd, (struct sockaddr *)&link->remote, &peer_length))
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -errno,
				 "the peer closed the connection at once: %s", strerror(errno));
	return 0;
}

void link_close(struct link *link, struct devmem_error *err)
{
	if (link->fd >= 0)
		close(link->fd);
	window_close(link->window, err);
	link->window = NULL;
	link->fd = -1;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Connecting: the own port is known and steered before the first packet goes out. */
#include "link.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "interface.h"
#include "sockaddr.h"
#include "wait.h"

/* The address that the route to @remote starts from; a datagram socket that sends nothing finds
 * it. */
static int local_address(const struct options *options, const struct addrinfo *remote,
			 struct link *link, struct devmem_error *err)
{
	socklen_t length = sizeof(link->local);
	int ret = 0, fd = link_socket(options, remote->ai_family, SOCK_DGRAM, link, err);

	if (fd < 0)
		return fd;
	if (connect(fd, remote->ai_addr, remote->ai_addrlen) ||
	    getsockname(fd, (struct sockaddr *)&link->local, &length))
		ret = link_fail(link, EXIT_STATUS_TRANSFER, err, -errno,
				"no route to %s: %s; see ip route get %s", options->host,
				strerror(errno), options->host);
	close(fd);
	sockaddr_set_port(&link->local, 0);
	return ret;
}

static int open_window(const struct options *options, struct devmem_exporter *exporter,
		       const struct addrinfo *remote, struct link *link, struct devmem_error *err)
{
	socklen_t length = sizeof(link->local);
	struct devmem_nic nic;
	int ret = local_address(options, remote, link, err);

	if (ret)
		return ret;
	if (bind(link->fd, (struct sockaddr *)&link->local, sockaddr_length(&link->local)) ||
	    getsockname(link->fd, (struct sockaddr *)&link->local, &length))
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -errno,
				 "cannot bind a port of the address to connect from: %s",
				 strerror(errno));
	ret = options->interface ? interface_by_name(options->interface, remote->ai_family, &nic,
						     err)
				 : interface_by_address(&link->local, &nic, err);
	if (ret) {
		link->status = EXIT_STATUS_SETUP;
		return ret;
	}
	return link_window(options, exporter, &nic, link, err);
}

static const char *advice(int code)
{
	switch (code) {
	case ECONNREFUSED:
		return "; is the other side listening there?";
	case ETIMEDOUT:
		return "; is a firewall between, or is the timeout (-w) too short?";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "; see ip route get and ip neigh";
	case EINVAL:
		return "; a link-local address needs its interface, as in fe80::1%eth0";
	default:
		return "";
	}
}

/* 0 when the connection is there, else -errno. */
static int await_connection(const struct options *options, int fd)
{
	int64_t deadline = clock_ms() + 1000 * (int64_t)options->timeout_s;
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	socklen_t length = sizeof(int);
	int error, ready;

	do {
		int64_t left = deadline - clock_ms();

		ready = left > 0 ? wait_for(&writable, 1, (int)left) : -ETIMEDOUT;
	} while (!ready);
	if (ready < 0)
		return ready;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		return -errno;
	return -error;
}

static int connect_to(const struct options *options, struct devmem_exporter *exporter,
		      bool into_device, const struct addrinfo *remote, struct link *link,
		      struct devmem_error *err)
{
	struct sockaddr_storage to = {0};
	char text[SOCKADDR_TEXT];
	int ret = 0;

	memcpy(&to, remote->ai_addr, remote->ai_addrlen);
	link->fd = link_socket(options, remote->ai_family, SOCK_STREAM, link, err);
	if (link->fd < 0)
		return link->fd;
	if (into_device)
		ret = open_window(options, exporter, remote, link, err);
	if (ret)
		return ret;
	if (connect(link->fd, remote->ai_addr, remote->ai_addrlen))
		ret = errno == EINPROGRESS ? await_connection(options, link->fd) : -errno;
	if (ret && ret != -EINTR)
		return link_fail(link, EXIT_STATUS_TRANSFER, err, ret, "cannot connect to %s: %s%s",
				 sockaddr_text(&to, text), strerror(-ret), advice(-ret));
	return ret;
}

int link_connect(const struct options *options, struct devmem_exporter *exporter, bool into_device,
		 struct link *link, struct devmem_error *err)
{
	struct addrinfo hints = {.ai_family = options->family, .ai_socktype = SOCK_STREAM}, *list;
	int ret = getaddrinfo(options->host, options->port, &hints, &list);

	if (ret)
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -ENOENT,
				 "cannot find %s port %s: %s", options->host, options->port,
				 gai_strerror(ret));
	for (const struct addrinfo *to = list; to; to = to->ai_next) {
		ret = connect_to(options, exporter, into_device, to, link, err);
		if (!ret || ret == -EINTR)
			break;
		link_close(link, NULL);
	}
	freeaddrinfo(list);
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Listening: the port is steered before it can be connected to; one client is taken. */
#include "link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interface.h"
#include "sockaddr.h"
#include "wait.h"

int link_resolve_local(const struct options *options, struct link *link, struct devmem_error *err)
{
	struct addrinfo hints = {.ai_family = options->family,
				 .ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE},
			*list;
	int ret;

	/* An IPv4 address for an address of any kind: an IPv6 socket would show IPv4 peers by
	 * mapped addresses, which no rule matches. */
	if (!options->host && hints.ai_family == AF_UNSPEC)
		hints.ai_family = AF_INET;
	ret = getaddrinfo(options->host, options->port, &hints, &list);
	if (ret)
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -ENOENT,
				 "cannot find %s port %s: %s",
				 options->host ? options->host : "any address,", options->port,
				 gai_strerror(ret));
	memset(&link->local, 0, sizeof(link->local));
	memcpy(&link->local, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}

bool link_is_any(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)addr)->sin6_addr);
	return ((const struct sockaddr_in *)addr)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* A rule needs one address, so "any" becomes the first one of the NIC. */
static int choose_nic(const struct options *options, struct link *link, struct devmem_nic *nic,
		      struct devmem_error *err)
{
	uint16_t port = sockaddr_port(&link->local);
	int family = options->host ? link->local.ss_family : options->family;
	int ret;

	link->status = EXIT_STATUS_SETUP;
	if (options->interface)
		ret = interface_by_name(options->interface, family, nic, err);
	else if (link_is_any(&link->local))
		ret = interface_steerable(family, nic, err);
	else
		ret = interface_by_address(&link->local, nic, err);
	if (ret)
		return ret;
	link->status = EXIT_STATUS_TRANSFER;
	if (link_is_any(&link->local)) {
		link->local = nic->addr;
		sockaddr_set_port(&link->local, port);
	}
	return 0;
}

int link_bind(const struct options *options, struct link *link, struct devmem_error *err)
{
	socklen_t length = sizeof(link->local);
	char text[SOCKADDR_TEXT];
	int one = 1;

	link->fd = link_socket(options, link->local.ss_family, SOCK_STREAM, link, err);
	if (link->fd < 0)
		return link->fd;
	setsockopt(link->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (link->local.ss_family == AF_INET6)
		setsockopt(link->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(link->fd, (struct sockaddr *)&link->local, sockaddr_length(&link->local)))
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -errno,
				 "cannot listen on %s: %s%s", sockaddr_text(&link->local, text),
				 strerror(errno),
				 errno == EADDRINUSE ? "; ss -tlnp shows who does"
				 : errno == EADDRNOTAVAIL
					 ? "; ip -br addr shows the addresses of this machine"
					 : "");
	if (getsockname(link->fd, (struct sockaddr *)&link->local, &length))
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -errno, "getsockname: %s",
				 strerror(errno));
	return 0;
}

static void say_ready(const struct options *options, const struct link *link)
{
	char text[SOCKADDR_TEXT];

	if (!options->verbose)
		return;
	fprintf(stderr, "devmemcat: listening on %s", sockaddr_text(&link->local, text));
	if (link->window)
		fprintf(stderr, " (%s, rx queue %u)", link->window->nic.name,
			window_queue(link->window));
	fprintf(stderr, "\n");
}

static int take_client(const struct options *options, struct link *link, struct devmem_error *err)
{
	struct pollfd readable = {.fd = link->fd, .events = POLLIN};
	int timeout = options->timeout_given ? 1000 * (int)options->timeout_s : -1;
	int ret, client;

	for (;;) {
		ret = wait_for(&readable, 1, timeout);
		if (ret < 0)
			return ret;
		if (!ret && options->timeout_given)
			return link_fail(link, EXIT_STATUS_TRANSFER, err, -ETIMEDOUT,
					 "no client came within %u s (-w)", options->timeout_s);
		client = accept4(link->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client >= 0)
			break;
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			return link_fail(link, EXIT_STATUS_TRANSFER, err, -errno, "accept: %s",
					 strerror(errno));
	}
	close(link->fd);
	link->fd = client;
	return 0;
}

int link_listen(const struct options *options, struct devmem_exporter *exporter, bool into_device,
		struct link *link, struct devmem_error *err)
{
	struct devmem_nic nic;
	int ret = link_resolve_local(options, link, err);

	if (!ret && into_device)
		ret = choose_nic(options, link, &nic, err);
	if (!ret)
		ret = link_bind(options, link, err);
	if (!ret && into_device)
		ret = link_window(options, exporter, &nic, link, err);
	if (ret)
		return ret;
	if (listen(link->fd, 1))
		return link_fail(link, EXIT_STATUS_TRANSFER, err, -errno, "listen: %s",
				 strerror(errno));
	say_ready(options, link);
	return take_client(options, link, err);
}

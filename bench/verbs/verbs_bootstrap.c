// SPDX-License-Identifier: BSD-3-Clause
/* A TCP connection between the addresses that the GIDs are, over which two queue pairs learn of
 * each other. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "verbs.h"

static ncclResult_t failed(const char *call)
{
	WARN("%s between two ends of a connection failed: %s; does `ping` reach the other host by "
	     "this interface?",
	     call, strerror(errno));
	return ncclSystemError;
}

static int open_socket(void)
{
	return socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

ncclResult_t verbs_tcp_listen(const struct verbs_device *device, int *fd, struct sockaddr_in6 *addr)
{
	socklen_t len = sizeof(*addr);

	*addr = (struct sockaddr_in6){.sin6_family = AF_INET6};
	memcpy(&addr->sin6_addr, device->gid.raw, sizeof(addr->sin6_addr));
	*fd = open_socket();
	if (*fd >= 0 && bind(*fd, (struct sockaddr *)addr, sizeof(*addr)) == 0 &&
	    listen(*fd, 16) == 0 && getsockname(*fd, (struct sockaddr *)addr, &len) == 0)
		return ncclSuccess;
	return failed("listening");
}

ncclResult_t verbs_tcp_begin(struct verbs_comm *comm, const struct sockaddr_in6 *addr)
{
	comm->fd = open_socket();
	if (comm->fd < 0)
		return failed("socket()");
	if (connect(comm->fd, (const struct sockaddr *)addr, sizeof(*addr)) && errno != EINPROGRESS)
		return failed("connect()");
	return ncclSuccess;
}

/* *@fd is -1 while nobody comes. */
ncclResult_t verbs_tcp_accept(int listener, int *fd)
{
	*fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (*fd >= 0 || errno == EAGAIN || errno == ECONNABORTED)
		return ncclSuccess;
	return failed("accept()");
}

ncclResult_t verbs_tcp_connected(struct verbs_comm *comm, bool *done)
{
	struct pollfd pollfd = {.fd = comm->fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	*done = poll(&pollfd, 1, 0) == 1;
	if (!*done)
		return ncclSuccess;
	if (getsockopt(comm->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return ncclSuccess;
	errno = error ? error : errno;
	return failed("connect()");
}

static ncclResult_t moved(struct verbs_comm *comm, ssize_t n, size_t size, bool *done)
{
	if (n > 0)
		comm->moved += (size_t)n;
	*done = comm->moved == size;
	if (*done)
		comm->moved = 0;
	return ncclSuccess;
}

ncclResult_t verbs_tcp_send(struct verbs_comm *comm, const void *data, size_t size, bool *done)
{
	ssize_t n = send(comm->fd, (const char *)data + comm->moved, size - comm->moved,
			 MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return failed("send()");
	return moved(comm, n, size, done);
}

ncclResult_t verbs_tcp_recv(struct verbs_comm *comm, void *data, size_t size, bool *done)
{
	ssize_t n = recv(comm->fd, (char *)data + comm->moved, size - comm->moved, 0);

	if (n == 0) {
		WARN("the peer closed its connection before the queue pairs met: its own messages "
		     "tell why");
		return ncclRemoteError;
	}
	if (n < 0 && errno != EAGAIN)
		return failed("recv()");
	return moved(comm, n, size, done);
}

bool verbs_tcp_ended(const struct verbs_comm *comm)
{
	char byte;
	ssize_t n = recv(comm->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Reads requests and writes answers, whatever the client does. */
#include "devmemd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_US 5000

/*
 * The last close of somebody's descriptor may wait: for a TCP socket with SO_LINGER, or for a file
 * system of the user's. A signal ends the wait (main.c has a handler that does nothing), and comes
 * again and again until the time is stopped.
 */
static void patience(suseconds_t us)
{
	struct itimerval time = {.it_interval.tv_usec = us, .it_value.tv_usec = us};

	setitimer(ITIMER_REAL, &time, NULL);
}

void patient_close(int fd)
{
	patience(PATIENCE_US);
	close(fd);
	patience(0);
}

/* Closes all descriptors but the first, which it returns, or -1; *@n becomes their number. */
static int take_descriptors(struct msghdr *msg, unsigned int *n)
{
	int first = -1;

	*n = 0;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= cmsg->cmsg_len;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, (char *)cmsg + at, sizeof(fd));
			if ((*n)++)
				patient_close(fd);
			else
				first = fd;
		}
	}
	return first;
}

int message_receive(struct client *client, struct broker_request *request, int *fd)
{
	/* One byte more, so that a message that is too long shows. */
	uint8_t bytes[BROKER_REQUEST_BYTES + 1];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr msg = {.msg_iov = &piece,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	unsigned int n;
	ssize_t got;

	*fd = -1;
	patience(PATIENCE_US); /* descriptors that have no room are closed by the kernel, here */
	got = recvmsg(client->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	patience(0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -ECONNRESET;
	*fd = take_descriptors(&msg, &n);
	if (!got)
		return -ECONNRESET;
	if (n > 1 || msg.msg_flags & MSG_CTRUNC)
		return -EMSGSIZE;
	return broker_get_request(bytes, (size_t)got, request);
}

int message_send(struct client *client, const struct broker_reply *reply, const int *fds,
		 unsigned int n)
{
	uint8_t bytes[BROKER_REPLY_BYTES];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(BROKER_MAX_FDS * sizeof(int))] = {0};
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};

	broker_put_reply(bytes, reply);
	if (n) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	/* One error for all: who does not read is as good as gone. */
	return sendmsg(client->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(bytes) ? 0 : -EPIPE;
}

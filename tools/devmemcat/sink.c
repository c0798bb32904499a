// SPDX-License-Identifier: BSD-3-Clause
/* Where received bytes go: a descriptor, a comparison with the pattern, or nowhere. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pattern.h"

#define PIPE_BYTES (1 << 20)

/*
 * A write to a pipe or a terminal blocks, and O_NONBLOCK belongs to the open file, which other
 * programs share and would be surprised by. So it is opened once more. Where that is forbidden,
 * pieces are written that poll() promises to have room for.
 */
void sink_open_fd(struct sink *sink, int fd)
{
	struct stat status;
	char path[64];
	int own = -1;

	*sink = (struct sink){.kind = SINK_FD, .fd = fd, .given = -1};
	if (fstat(fd, &status))
		return; /* the first write tells why */
	sink->is_socket = S_ISSOCK(status.st_mode);
	if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	sink->may_block = own < 0;
	if (own >= 0) {
		sink->given = fd;
		sink->fd = own;
	}
	(void)fcntl(sink->fd, F_SETPIPE_SZ, PIPE_BYTES); /* no pipe, or not allowed: slower */
}

void sink_open_pattern(struct sink *sink, uint64_t seed)
{
	*sink = (struct sink){.kind = SINK_PATTERN, .fd = -1, .given = -1, .seed = seed};
}

void sink_open_nowhere(struct sink *sink)
{
	*sink = (struct sink){.kind = SINK_NOWHERE, .fd = -1, .given = -1};
}

int sink_close(struct sink *sink)
{
	int ret = 0;

	if (sink->fd >= 0 && close(sink->fd))
		ret = -errno;
	if (sink->given >= 0)
		close(sink->given);
	sink->fd = sink->given = -1;
	return ret;
}

static ssize_t put_fd(struct sink *sink, const uint8_t *bytes, size_t len)
{
	struct pollfd writable = {.fd = sink->fd, .events = POLLOUT};
	ssize_t n;

	if (sink->may_block) {
		if (poll(&writable, 1, 0) == 0)
			return -EAGAIN;
		len = len < PIPE_BUF ? len : PIPE_BUF;
	}
	n = sink->is_socket ? send(sink->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			    : write(sink->fd, bytes, len);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n;
}

static ssize_t compare(struct sink *sink, const uint8_t *bytes, size_t len)
{
	size_t same = pattern_check(sink->seed, sink->offset, bytes, len);

	if (same == len)
		return (ssize_t)len;
	sink->offset += same;
	sink->got = bytes[same];
	pattern_fill(sink->seed, sink->offset, &sink->want, 1);
	return -EBADMSG;
}

ssize_t sink_put(struct sink *sink, const uint8_t *bytes, size_t len)
{
	ssize_t n = (ssize_t)len;

	if (sink->kind == SINK_FD)
		n = put_fd(sink, bytes, len);
	else if (sink->kind == SINK_PATTERN)
		n = compare(sink, bytes, len);
	if (n > 0)
		sink->offset += (uint64_t)n;
	return n;
}

int sink_fd(const struct sink *sink)
{
	return sink->fd;
}

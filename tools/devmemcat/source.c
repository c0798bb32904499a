// SPDX-License-Identifier: BSD-3-Clause
/* Where the bytes to send come from: a descriptor, the pattern, or nowhere. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "pattern.h"

#define PIPE_BYTES (1 << 20) /* fewer and larger reads than with the default of 64 KiB */

void source_open_fd(struct source *source, int fd)
{
	*source = (struct source){.kind = SOURCE_FD, .fd = fd};
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* no pipe, or not allowed: slower */
}

void source_open_pattern(struct source *source, uint64_t seed, uint64_t total)
{
	*source = (struct source){.kind = SOURCE_PATTERN, .fd = -1, .seed = seed, .total = total};
}

/* The descriptor's flags are shared with other programs (a shell's terminal), so it stays blocking
 * and is asked first. */
static ssize_t get_fd(int fd, uint8_t *bytes, size_t room)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&readable, 1, 0) == 0)
		return -EAGAIN;
	n = read(fd, bytes, room);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n;
}

ssize_t source_get(struct source *source, uint8_t *bytes, size_t room)
{
	uint64_t left = source->total - source->offset;

	switch (source->kind) {
	case SOURCE_FD:
		return get_fd(source->fd, bytes, room);
	case SOURCE_PATTERN:
		room = left < room ? (size_t)left : room;
		pattern_fill(source->seed, source->offset, bytes, room);
		source->offset += room;
		return (ssize_t)room;
	case SOURCE_NONE:
		break;
	}
	return -EAGAIN;
}

int source_fd(const struct source *source)
{
	return source->kind == SOURCE_FD ? source->fd : -1;
}

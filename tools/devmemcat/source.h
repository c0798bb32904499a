/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the bytes to send come from: a descriptor, the pattern, or nowhere. */
#ifndef DEVMEMCAT_SOURCE_H
#define DEVMEMCAT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum source_kind {
	SOURCE_NONE, /* there is nothing to send, and no end of it to tell the peer either */
	SOURCE_FD,
	SOURCE_PATTERN,
};

struct source {
	enum source_kind kind;
	int fd;
	uint64_t seed, offset, total; /* of the pattern */
};

void source_open_fd(struct source *source, int fd);
void source_open_pattern(struct source *source, uint64_t seed, uint64_t total);
/* Gets at most @room bytes without waiting. 0 at the end, -EAGAIN when none are there, -errno. */
ssize_t source_get(struct source *source, uint8_t *bytes, size_t room);
/* The descriptor to wait for, -1 when there is none. */
int source_fd(const struct source *source);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Where received bytes go: a descriptor, a comparison with the pattern, or nowhere. */
#ifndef DEVMEMCAT_SINK_H
#define DEVMEMCAT_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum sink_kind {
	SINK_FD,
	SINK_PATTERN,
	SINK_NOWHERE,
};

struct sink {
	enum sink_kind kind;
	int fd;	   /* written to; -1 when there is none */
	int given; /* the caller's, where fd is another that does not block; else -1 */
	bool is_socket, may_block;
	uint64_t seed;
	uint64_t offset;   /* bytes that went here */
	uint8_t got, want; /* SINK_PATTERN: the byte at offset, after -EBADMSG */
};

/* Takes @fd over. */
void sink_open_fd(struct sink *sink, int fd);
void sink_open_pattern(struct sink *sink, uint64_t seed);
void sink_open_nowhere(struct sink *sink);
/* Ends it, so that whoever reads the other end of a pipe sees that; harmless twice. -errno when the
 * last bytes could not be stored. */
int sink_close(struct sink *sink);
/*
 * Takes at most @len bytes without waiting and returns how many. -EAGAIN when none can be taken
 * now; -EBADMSG when one is not as the pattern has it (offset, got and want tell which); -errno.
 */
ssize_t sink_put(struct sink *sink, const uint8_t *bytes, size_t len);
/* The descriptor to wait for, -1 when there is none. */
int sink_fd(const struct sink *sink);

#endif

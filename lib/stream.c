// SPDX-License-Identifier: BSD-3-Clause
/* A stream from open to close: one connected TCP socket and what goes with it. */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t control_bytes(void)
{
	return STREAM_MAX_FRAGS * CMSG_SPACE(sizeof(struct devmem_uapi_cmsg));
}

int devmem_stream_open(int fd, size_t bounce_bytes, struct devmem_stream **stream,
		       struct devmem_error *err)
{
	struct devmem_stream *new = calloc(1, sizeof(*new));

	*stream = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->fd = -1;
	new->bounce_bytes = bounce_bytes;
	new->fd = fd;
	*stream = new;
	return 0;
}

/* mmap, not malloc: pages that linear or plain bytes never touch must not cost memory. */
int stream_prepare_receive(struct devmem_stream *stream)
{
	if (stream->bounce)
		return 0;
	if (!stream->control)
		stream->control = malloc(control_bytes());
	if (!stream->control)
		return -ENOMEM;
	stream->bounce = mmap(NULL, stream->bounce_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stream->bounce == MAP_FAILED) {
		stream->bounce = NULL;
		return -ENOMEM;
	}
	return 0;
}

bool stream_prepare_zerocopy(struct devmem_stream *stream)
{
	int one = 1;

	if (!stream->zerocopy_asked)
		stream->zerocopy = !setsockopt(stream->fd, SOL_SOCKET, SO_ZEROCOPY, &one,
					       sizeof(one));
	stream->zerocopy_asked = true;
	return stream->zerocopy;
}

void devmem_stream_close(struct devmem_stream *stream)
{
	if (!stream)
		return;
	if (stream->fd >= 0) {
		stream_return_all(stream);
		close(stream->fd);
	}
	if (stream->bounce)
		munmap(stream->bounce, stream->bounce_bytes);
	token_set_free(&stream->tokens);
	free(stream->control);
	free(stream);
}

int devmem_stream_detach(struct devmem_stream *stream)
{
	int fd = stream->fd;

	stream->fd = -1;
	devmem_stream_close(stream);
	return fd;
}

int devmem_stream_fd(const struct devmem_stream *stream)
{
	return stream->fd;
}

const uint8_t *devmem_stream_bounce(const struct devmem_stream *stream)
{
	return stream->bounce;
}

void devmem_stream_stats_get(const struct devmem_stream *stream, struct devmem_stream_stats *stats)
{
	*stats = stream->stats;
}

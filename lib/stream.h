/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a stream: one TCP socket with its tokens and completions. */
#ifndef DEVMEM_STREAM_H
#define DEVMEM_STREAM_H

#include "completion.h"
#include "devmem.h"
#include "token.h"

#include <sys/uio.h>

/* Fragments that one receive call may describe: 512 take 20 KiB of control buffer, and cover 2 MiB
 * of full pages. */
#define STREAM_MAX_FRAGS 512

struct devmem_stream {
	int fd;
	bool zerocopy_asked;  /* for SO_ZEROCOPY */
	bool zerocopy;	      /* SO_ZEROCOPY could be set */
	bool zerocopy_copied; /* the kernel has told that it copied after all */
	size_t bounce_bytes;
	uint8_t *bounce;
	uint8_t *control; /* msg_control of one receive call */
	struct token_set tokens;
	struct completion_set completions;
	struct devmem_stream_stats stats;
};

/*
 * Sends @n pieces of device memory in one call, which are done together: iov_base is a byte offset
 * in the dmabuf that @dmabuf_id is bound from. Else as devmem_stream_send_device().
 */
ssize_t stream_send_pieces(struct devmem_stream *stream, uint32_t dmabuf_id,
			   const struct iovec *pieces, unsigned int n, uint32_t *completion);
/* Gives back all tokens that are out: the socket may live on by another descriptor. */
void stream_return_all(struct devmem_stream *stream);
/* What only a receiver needs. 0 or -ENOMEM. */
int stream_prepare_receive(struct devmem_stream *stream);
/* What only a sender needs: whether the socket takes MSG_ZEROCOPY. */
bool stream_prepare_zerocopy(struct devmem_stream *stream);

#endif

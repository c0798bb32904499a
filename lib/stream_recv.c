// SPDX-License-Identifier: BSD-3-Clause
/* The receiving side of a stream: fragments in, tokens back. */
#include "probe.h"
#include "recv_parse.h"
#include "stream.h"

#include <errno.h>
#include <sys/uio.h>

static int account(struct devmem_stream *stream, const struct devmem_frag *frags, unsigned int n)
{
	int ret = 0;

	for (unsigned int i = 0; i < n; i++) {
		switch (frags[i].where) {
		case DEVMEM_FRAG_DEVICE:
			stream->stats.rx_device += frags[i].len;
			stream->stats.tokens_taken++;
			ret = token_take(&stream->tokens, frags[i].token);
			break;
		case DEVMEM_FRAG_LINEAR:
			stream->stats.rx_linear += frags[i].len;
			break;
		case DEVMEM_FRAG_PLAIN:
			stream->stats.rx_plain += frags[i].len;
			break;
		}
		if (ret)
			return ret;
	}
	stream->stats.frags += n;
	return 0;
}

ssize_t devmem_stream_recv(struct devmem_stream *stream, size_t want, struct devmem_frag *frags,
			   unsigned int *n)
{
	unsigned int room = *n < STREAM_MAX_FRAGS ? *n : STREAM_MAX_FRAGS;
	struct iovec iov = {.iov_len = want < stream->bounce_bytes ? want : stream->bounce_bytes};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_controllen = room * CMSG_SPACE(sizeof(struct devmem_uapi_cmsg)),
	};
	ssize_t received;
	int ret;

	*n = 0;
	if (!room || !iov.iov_len)
		return -EINVAL;
	ret = stream_prepare_receive(stream);
	if (ret)
		return ret;
	iov.iov_base = stream->bounce;
	msg.msg_control = stream->control;
	do {
		received = recvmsg(stream->fd, &msg, MSG_SOCK_DEVMEM | MSG_DONTWAIT);
	} while (received < 0 && errno == EINTR);
	stream->stats.recv_calls++;
	if (received < 0)
		return errno == DEVMEM_UAPI_ETOOSMALL ? -ENOBUFS : -errno;
	if (!received)
		return 0;
	*n = room;
	ret = recv_parse(&msg, (size_t)received, frags, n);
	if (!ret)
		ret = account(stream, frags, *n);
	return ret ? ret : received;
}

int devmem_stream_token_put(struct devmem_stream *stream, uint32_t token)
{
	int ret = token_put(&stream->tokens, token);

	if (ret == -ENOSPC) {
		ret = devmem_stream_token_flush(stream);
		if (!ret)
			ret = token_put(&stream->tokens, token);
	}
	if (!ret && token_batch_full(&stream->tokens))
		ret = devmem_stream_token_flush(stream);
	return ret;
}

int devmem_stream_token_flush(struct devmem_stream *stream)
{
	struct token_set *set = &stream->tokens;
	uint32_t given = set->n_batched;
	int freed;

	if (!given)
		return 0;
	freed = setsockopt(stream->fd, SOL_SOCKET, SO_DEVMEM_DONTNEED, set->batch,
			   set->n_ranges * (socklen_t)sizeof(set->batch[0]));
	PROBE4(tokens_return, stream->fd, given, set->n_ranges, freed);
	token_batch_done(set);
	stream->stats.return_calls++;
	if (freed < 0)
		return -errno;
	stream->stats.tokens_returned += (uint32_t)freed;
	return (uint32_t)freed == given ? 0 : -EPROTO;
}

void stream_return_all(struct devmem_stream *stream)
{
	const struct token_set *set = &stream->tokens;

	for (uint32_t i = 0; i < set->words; i++)
		while (set->out[i])
			if (devmem_stream_token_put(
				    stream, i * 64 + (uint32_t)__builtin_ctzll(set->out[i])))
				return; /* of a socket that returns them when it is closed */
	(void)devmem_stream_token_flush(stream);
}

unsigned int devmem_stream_tokens_batched(const struct devmem_stream *stream)
{
	return stream->tokens.n_batched;
}

unsigned int devmem_stream_tokens_out(const struct devmem_stream *stream)
{
	return stream->tokens.n_out;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The sending side of a stream: bytes out, notifications in. */
#include "stream.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/uio.h>

/* Kernel memory for notifications runs out like socket buffer does: both come back when data is
 * acknowledged. */
static ssize_t send_result(ssize_t sent)
{
	if (sent >= 0)
		return sent;
	return errno == ENOBUFS || errno == EINTR ? -EAGAIN : -errno;
}

ssize_t stream_send_pieces(struct devmem_stream *stream, uint32_t dmabuf_id,
			   const struct iovec *pieces, unsigned int n, uint32_t *completion)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control = {.bytes = {0}};
	struct msghdr msg = {
		.msg_iov = (struct iovec *)pieces,
		.msg_iovlen = n,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	ssize_t sent;

	if (completion_full(&stream->completions))
		return -EAGAIN;
	(void)stream_prepare_zerocopy(stream); /* where it fails, sendmsg says why */
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_DEVMEM_DMABUF;
	header->cmsg_len = CMSG_LEN(sizeof(uint32_t));
	memcpy(CMSG_DATA(header), &dmabuf_id, sizeof(dmabuf_id));
	sent = send_result(sendmsg(stream->fd, &msg, MSG_ZEROCOPY | MSG_DONTWAIT | MSG_NOSIGNAL));
	stream->stats.send_calls++;
	if (sent < 0)
		return sent;
	*completion = completion_add(&stream->completions);
	stream->stats.tx_device += (size_t)sent;
	return sent;
}

ssize_t devmem_stream_send_device(struct devmem_stream *stream, uint32_t dmabuf_id, uint64_t offset,
				  size_t len, uint32_t *completion)
{
	const struct iovec piece = {(void *)(uintptr_t)offset, len};

	return stream_send_pieces(stream, dmabuf_id, &piece, 1, completion);
}

/* The kernel cannot pin these pages (EFAULT: a driver's mapping, as memory of cudaHostAlloc() may
 * be), or no more of them, though nothing is under way that would make room. */
static bool zerocopy_refused(const struct devmem_stream *stream)
{
	return errno == EFAULT ||
	       (errno == ENOBUFS && stream->completions.next == stream->completions.done);
}

/* On a socket that sends device memory, host bytes end their packet: not every kernel keeps both
 * apart, and one whose first fragment is of host memory would be taken for all of that. */
static int host_flags(const struct devmem_stream *stream)
{
	return MSG_DONTWAIT | MSG_NOSIGNAL | (stream->stats.tx_device ? MSG_EOR : 0);
}

ssize_t devmem_stream_send_host(struct devmem_stream *stream, const void *bytes, size_t len,
				bool zerocopy, uint32_t *completion)
{
	int flags = host_flags(stream);
	ssize_t sent;

	zerocopy = zerocopy && stream_prepare_zerocopy(stream);
	if (zerocopy && completion_full(&stream->completions))
		return -EAGAIN;
	sent = send(stream->fd, bytes, len, flags | (zerocopy ? MSG_ZEROCOPY : 0));
	if (sent < 0 && zerocopy && zerocopy_refused(stream)) {
		zerocopy = stream->zerocopy = false;
		sent = send(stream->fd, bytes, len, flags);
	}
	sent = send_result(sent);
	stream->stats.send_calls++;
	if (sent < 0)
		return sent;
	if (zerocopy) {
		*completion = completion_add(&stream->completions);
		stream->stats.tx_host_zerocopy += (size_t)sent;
	} else {
		stream->stats.tx_host_copied += (size_t)sent;
	}
	return sent;
}

static bool is_notification(const struct cmsghdr *header, struct sock_extended_err *out)
{
	if (!(header->cmsg_level == SOL_IP && header->cmsg_type == IP_RECVERR) &&
	    !(header->cmsg_level == SOL_IPV6 && header->cmsg_type == IPV6_RECVERR))
		return false;
	memcpy(out, CMSG_DATA(header), sizeof(*out));
	return out->ee_errno == 0 && out->ee_origin == SO_EE_ORIGIN_ZEROCOPY;
}

/* Reads one message of the error queue: 1 when it was a notification, 0 when the queue is empty. */
static int reap_one(struct devmem_stream *stream)
{
	uint8_t control[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6))];
	struct msghdr msg = {.msg_control = control, .msg_controllen = sizeof(control)};
	struct sock_extended_err notice;

	if (recvmsg(stream->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&msg); header;
	     header = CMSG_NXTHDR(&msg, header)) {
		if (!is_notification(header, &notice))
			continue;
		if (notice.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
			stream->zerocopy_copied = true;
		return completion_mark(&stream->completions, notice.ee_info, notice.ee_data)
			       ? -EPROTO
			       : 1;
	}
	return 1;
}

int devmem_stream_reap(struct devmem_stream *stream)
{
	return stream->completions.done == stream->completions.next ? 0 : reap_one(stream);
}

bool devmem_stream_zerocopy_pays(struct devmem_stream *stream)
{
	return !stream->zerocopy_copied && stream_prepare_zerocopy(stream);
}

bool devmem_stream_sent(const struct devmem_stream *stream, uint32_t completion)
{
	return completion_reached(&stream->completions, completion);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Turns what recvmsg(MSG_SOCK_DEVMEM) gave back into fragments; touches no socket, so that it can
 * be fuzzed. */
#include "recv_parse.h"
#include "uapi/devmem_uapi.h"

#include <errno.h>
#include <string.h>

/* CMSG_FIRSTHDR checks that a header fits, not that what it announces does. */
static bool is_whole(const struct msghdr *msg, const struct cmsghdr *header)
{
	size_t start = (size_t)((const uint8_t *)header - (const uint8_t *)msg->msg_control);

	return header->cmsg_len <= msg->msg_controllen - start;
}

static bool is_devmem(const struct cmsghdr *header)
{
	return header->cmsg_level == SOL_SOCKET &&
	       (header->cmsg_type == SCM_DEVMEM_DMABUF || header->cmsg_type == SCM_DEVMEM_LINEAR) &&
	       header->cmsg_len >= CMSG_LEN(sizeof(struct devmem_uapi_cmsg));
}

static struct devmem_frag to_frag(const struct cmsghdr *header, uint64_t linear)
{
	struct devmem_uapi_cmsg cmsg;

	memcpy(&cmsg, CMSG_DATA(header), sizeof(cmsg));
	if (header->cmsg_type == SCM_DEVMEM_LINEAR)
		return (struct devmem_frag){
			.where = DEVMEM_FRAG_LINEAR, .len = cmsg.frag_size, .offset = linear};
	return (struct devmem_frag){
		.where = DEVMEM_FRAG_DEVICE,
		.len = cmsg.frag_size,
		.offset = cmsg.frag_offset,
		.token = cmsg.frag_token,
		.dmabuf_id = cmsg.dmabuf_id,
	};
}

int recv_parse(const struct msghdr *msg, size_t received, struct devmem_frag *frags,
	       unsigned int *n)
{
	unsigned int room = *n;
	uint64_t linear = 0, sum = 0;

	*n = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(msg); header;
	     header = CMSG_NXTHDR((struct msghdr *)msg, header)) {
		struct devmem_frag frag;

		if (!is_whole(msg, header))
			return -EPROTO;
		if (!is_devmem(header))
			continue;
		frag = to_frag(header, linear);
		if (*n == room || !frag.len)
			return -EPROTO;
		if (frag.where == DEVMEM_FRAG_LINEAR)
			linear += frag.len;
		sum += frag.len;
		frags[(*n)++] = frag;
	}
	/* Bytes that came by an unbound queue carry no control message at all, and never mix with
	 * others in one call. */
	if (!sum && received && room) {
		frags[0] = (struct devmem_frag){.where = DEVMEM_FRAG_PLAIN,
						.len = (uint32_t)received};
		*n = 1;
		return 0;
	}
	return sum == received ? 0 : -EPROTO;
}

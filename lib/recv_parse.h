/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns what recvmsg(MSG_SOCK_DEVMEM) gave back into fragments; touches no socket, so that it can
 * be fuzzed. */
#ifndef DEVMEM_RECV_PARSE_H
#define DEVMEM_RECV_PARSE_H

#include <sys/socket.h>

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * @received: the call's return value, bytes. @n: in, room in @frags; out, fragments stored. -EPROTO
 * when the control messages do not account for every byte (the kernel leaves MSG_CTRUNC clear when
 * it runs out of room: only this sum tells), or there are more fragments than room.
 */
int recv_parse(const struct msghdr *msg, size_t received, struct devmem_frag *frags,
	       unsigned int *n);

#ifdef __cplusplus
}
#endif

#endif

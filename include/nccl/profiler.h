/* SPDX-License-Identifier: BSD-3-Clause */
/* Events that a net plugin tells NCCL's profiler of, in the form of NCCL's own socket transport. */
#ifndef NCCL_PROFILER_H
#define NCCL_PROFILER_H

#include "net.h"

enum { /* the callback's type */
	NCCL_PROFILER_NET_START = 0,
	NCCL_PROFILER_NET_STOP = 1,
};

/* The callback's plugin id: kind of network in the upper, version of the description in the lower 16 bits. */
#define NCCL_PROFILER_NET_TYPE_SOCK (2U << 16)
#define NCCL_PROFILER_NET_SOCK_VERSION 1

#define NCCL_PROFILE_SOCKET (1 << 0)	/* the only type of event so far */
#define NCCL_PROFILE_SOCKET_SEND 0
#define NCCL_PROFILE_SOCKET_RECV 1

/* The callback's data when an event starts; valid during the call. */
typedef struct {
	uint8_t type;
	union {
		struct {
			int fd;
			int op;
			size_t length;	/* bytes of the message */
		} sock;
	};
} ncclProfilerNetSockDescr_v1_t;

NCCL_ASSERT_SIZE(ncclProfilerNetSockDescr_v1_t, 24);
NCCL_ASSERT_OFFSET(ncclProfilerNetSockDescr_v1_t, sock.fd, 8);
NCCL_ASSERT_OFFSET(ncclProfilerNetSockDescr_v1_t, sock.op, 12);
NCCL_ASSERT_OFFSET(ncclProfilerNetSockDescr_v1_t, sock.length, 16);

#endif

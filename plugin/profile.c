// SPDX-License-Identifier: BSD-3-Clause
/* Tells NCCL's profiler of each message, as NCCL's own socket transport does. */
#include "profile.h"

#include <stdatomic.h>

#include "nccl/profiler.h"

static _Atomic(ncclProfilerCallback_t) current;

void profile_set(ncclProfilerCallback_t callback)
{
	atomic_store(&current, callback);
}

static int socket_of(const struct request *request)
{
	const struct conn *conn = request->conn;

	return request->via == WIRE_DATA && conn->n_streams ? devmem_stream_fd(conn->streams[0])
							    : conn->control_fd;
}

static void start(struct request *request, ncclProfilerCallback_t callback)
{
	ncclProfilerNetSockDescr_v1_t description = {
		.type = NCCL_PROFILE_SOCKET,
		.sock.fd = socket_of(request),
		.sock.op = request->conn->sender ? NCCL_PROFILE_SOCKET_SEND
						 : NCCL_PROFILE_SOCKET_RECV,
		.sock.length = request->len,
	};

	/* What becomes of a profiler's event is no reason to end a transfer. */
	(void)callback(&request->event, NCCL_PROFILER_NET_START, request->profiled,
		       NCCL_PROFILER_NET_TYPE_SOCK | NCCL_PROFILER_NET_SOCK_VERSION, &description);
	request->profiled = NULL;
}

void profile_progress(struct request *request)
{
	ncclProfilerCallback_t callback = atomic_load_explicit(&current, memory_order_relaxed);

	if (callback && request->profiled && request->announced)
		start(request, callback);
}

void profile_end(struct request *request)
{
	ncclProfilerCallback_t callback = atomic_load_explicit(&current, memory_order_relaxed);

	profile_progress(request);
	if (!callback || !request->event)
		return;
	(void)callback(&request->event, NCCL_PROFILER_NET_STOP, NULL, 0, NULL);
	request->event = NULL;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Test equipment, not for use: a simple net plugin on 127.0.0.1, strict with its caller, that fails on request. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nccl/net_v10.h"
#include "nccl/net_v11.h"
#include "nccl/net_v8.h"
#include "nccl/net_v9.h"

/*
 * LOOPBACK_FAULT: refuse (init fails), or, when FAULT_AT messages were posted: corrupt (one bit of
 * one message changes), short (messages lose their last byte), hang (receives stop being done), error
 * (test fails), block (test does not come back).
 * LOOPBACK_DMABUF=1: device memory is taken, by its dmabuf.
 */
#define FAULT_AT 5

#define EXPORT __attribute__((visibility("default")))

struct request {
	struct comm *comm;
	uint8_t *data;
	uint64_t len;		/* of the message; goes ahead of the data on the wire */
	uint64_t room;
	size_t header_done, data_done;
	bool used, done;
};

struct comm {
	int fd;
	bool sends;
	uint64_t posted, finished, consumed;	/* requests: given out, done and told, given back */
	uint64_t calls;
	struct request requests[NCCL_NET_MAX_REQUESTS];
};

struct region {
	uint8_t *data;
	size_t size;
};

struct handle {
	struct sockaddr_in addr;
	int connecting;		/* 0, or the descriptor plus 1: kept from call to call */
};

static ncclDebugLogger_t logger;
static uint64_t messages;
static bool corrupted;

#define MISUSE(text)                                                                               \
	(logger(NCCL_LOG_WARN, NCCL_NET, __FILE__, __LINE__, "loopback: the caller %s", text),     \
	 ncclInternalError)

static bool fault(const char *name)
{
	const char *wanted = getenv("LOOPBACK_FAULT");

	return wanted && strcmp(wanted, name) == 0 && messages >= FAULT_AT;
}

static ncclResult_t init_v8(ncclDebugLogger_t log)
{
	const char *wanted = getenv("LOOPBACK_FAULT");

	logger = log;
	return wanted && strcmp(wanted, "refuse") == 0 ? ncclSystemError : ncclSuccess;
}

static ncclResult_t init_v10(ncclDebugLogger_t log, ncclProfilerCallback_t profiler)
{
	return init_v8(log);
}

static ncclResult_t init_v11(void **ctx, uint64_t id, ncclNetCommConfig_t *config,
			     ncclDebugLogger_t log, ncclProfilerCallback_t profiler)
{
	*ctx = &logger;
	return init_v8(log);
}

static ncclResult_t finalize(void *ctx)
{
	return ctx == &logger ? ncclSuccess : MISUSE("finalizes what init did not give");
}

static ncclResult_t devices(int *n)
{
	*n = 1;
	return ncclSuccess;
}

#define FILL_PROPS(props) \
	do { \
		(props)->name = (char *)"loopback0"; \
		(props)->ptrSupport = NCCL_PTR_HOST | (getenv("LOOPBACK_DMABUF") ? NCCL_PTR_DMABUF : 0); \
		(props)->speed = 10000; \
		(props)->maxComms = 1024; \
		(props)->maxRecvs = 1; \
	} while (0)
#define FILL_PROPS_V9(props) \
	do { \
		FILL_PROPS(props); \
		(props)->forceFlush = 1; \
		(props)->vProps.ndevs = 1; \
		(props)->maxP2pBytes = (size_t)1 << 30; \
		(props)->maxCollBytes = (size_t)1 << 30; \
	} while (0)

static ncclResult_t properties_v8(int dev, ncclNetProperties_v8_t *props)
{
	FILL_PROPS(props);
	return ncclSuccess;
}

static ncclResult_t properties_v9(int dev, ncclNetProperties_v9_t *props)
{
	FILL_PROPS_V9(props);
	return ncclSuccess;
}

static ncclResult_t properties_v10(int dev, ncclNetProperties_v10_t *props)
{
	FILL_PROPS_V9(props);
	return ncclSuccess;
}

static ncclResult_t properties_v11(int dev, ncclNetProperties_v11_t *props)
{
	FILL_PROPS_V9(props);
	return ncclSuccess;
}

static struct comm *new_comm(int fd, bool sends)
{
	struct comm *comm = calloc(1, sizeof(*comm));
	int on = 1;

	if (!comm)
		abort();
	comm->fd = fd;
	comm->sends = sends;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return comm;
}

static ncclResult_t listen_v8(int dev, void *handle, void **listener)
{
	struct handle own = { .addr = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(own.addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own.addr, len) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&own.addr, &len))
		return ncclSystemError;
	memset(handle, 0, NCCL_NET_HANDLE_MAXSIZE);
	memcpy(handle, &own, sizeof(own));
	*listener = new_comm(fd, false);
	return ncclSuccess;
}

static ncclResult_t listen_v11(void *ctx, int dev, void *handle, void **listener)
{
	return listen_v8(dev, handle, listener);
}

/* Starts in one call and finishes in a later one, whatever the socket says. */
static ncclResult_t connect_v8(int dev, void *handle, void **comm, ncclNetDeviceHandle_t **device)
{
	struct handle peer;
	int fd;

	memcpy(&peer, handle, sizeof(peer));
	if (peer.connecting) {
		*comm = new_comm(peer.connecting - 1, true);
		return ncclSuccess;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    (connect(fd, (struct sockaddr *)&peer.addr, sizeof(peer.addr)) && errno != EINPROGRESS))
		return ncclSystemError;
	peer.connecting = fd + 1;
	memcpy(handle, &peer, sizeof(peer));
	*comm = NULL;
	return ncclSuccess;
}

static ncclResult_t connect_v10(int dev, ncclNetCommConfig_t *config, void *handle, void **comm,
				ncclNetDeviceHandle_t **device)
{
	return config->trafficClass == NCCL_NET_TRAFFIC_CLASS_UNDEF
		       ? connect_v8(dev, handle, comm, device)
		       : MISUSE("gives a traffic class that nobody set");
}

static ncclResult_t connect_v11(void *ctx, int dev, void *handle, void **comm,
				ncclNetDeviceHandle_t **device)
{
	return connect_v8(dev, handle, comm, device);
}

static ncclResult_t accept_one(void *listener, void **comm, ncclNetDeviceHandle_t **device)
{
	int fd = accept4(((struct comm *)listener)->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	*comm = fd < 0 ? NULL : new_comm(fd, false);
	return fd < 0 && errno != EAGAIN ? ncclSystemError : ncclSuccess;
}

static ncclResult_t reg(void *comm, void *data, size_t size, int type, void **mhandle)
{
	struct region *region = malloc(sizeof(*region));

	if (!region)
		return ncclSystemError;
	*region = (struct region){ data, size };
	*mhandle = region;
	return ncclSuccess;
}

static ncclResult_t reg_host(void *comm, void *data, size_t size, int type, void **mhandle)
{
	return type == NCCL_PTR_HOST ? reg(comm, data, size, type, mhandle)
				     : MISUSE("registers memory that the properties do not offer");
}

static ncclResult_t reg_dmabuf(void *comm, void *data, size_t size, int type, uint64_t offset,
			       int fd, void **mhandle)
{
	if (type != NCCL_PTR_CUDA || fcntl(fd, F_GETFD) < 0)
		return MISUSE("registers a dmabuf that is none");
	return reg(comm, data, size, type, mhandle);
}

static ncclResult_t dereg(void *comm, void *mhandle)
{
	free(mhandle);
	return ncclSuccess;
}

static ncclResult_t post(struct comm *comm, void *data, size_t size, const struct region *region,
			 void **request)
{
	struct request *new = &comm->requests[comm->posted % NCCL_NET_MAX_REQUESTS];

	*request = NULL;
	if ((uint8_t *)data < region->data || (uint8_t *)data + size > region->data + region->size)
		return MISUSE("gives data outside of its registration");
	/* Every third call has no room, so that the caller must come again. */
	if (new->used || ++comm->calls % 3 == 0)
		return ncclSuccess;
	*new = (struct request){ .comm = comm, .data = data, .len = size, .room = size, .used = true };
	comm->posted++;
	messages++;
	if (comm->sends && size && !corrupted && fault("corrupt")) {
		new->data[size / 2] ^= 0x10;
		corrupted = true;
	}
	if (comm->sends && size && fault("short"))
		new->len--;
	*request = new;
	return ncclSuccess;
}

static ncclResult_t isend_v10(void *comm, void *data, size_t size, int tag, void *mhandle,
			      void *phandle, void **request)
{
	return post(comm, data, size, mhandle, request);
}

static ncclResult_t isend_v9(void *comm, void *data, size_t size, int tag, void *mhandle,
			     void **request)
{
	return post(comm, data, size, mhandle, request);
}

static ncclResult_t isend_v8(void *comm, void *data, int size, int tag, void *mhandle, void **request)
{
	return post(comm, data, (size_t)size, mhandle, request);
}

static ncclResult_t irecv_v10(void *comm, int n, void **data, size_t *sizes, int *tags,
			      void **mhandles, void **phandles, void **request)
{
	return n == 1 ? post(comm, data[0], sizes[0], mhandles[0], request)
		      : MISUSE("asks for more receives than maxRecvs");
}

static ncclResult_t irecv_v9(void *comm, int n, void **data, size_t *sizes, int *tags,
			     void **mhandles, void **request)
{
	return irecv_v10(comm, n, data, sizes, tags, mhandles, NULL, request);
}

static ncclResult_t irecv_v8(void *comm, int n, void **data, int *sizes, int *tags, void **mhandles,
			     void **request)
{
	size_t size = (size_t)sizes[0];

	return irecv_v10(comm, n, data, &size, tags, mhandles, NULL, request);
}

/* Moves what the socket takes; the length goes first. 1 when the piece is complete. */
static int move_bytes(const struct comm *comm, void *bytes, size_t size, size_t *done)
{
	while (*done < size) {
		uint8_t *at = (uint8_t *)bytes + *done;
		ssize_t n = comm->sends ? send(comm->fd, at, size - *done, MSG_NOSIGNAL)
					: recv(comm->fd, at, size - *done, 0);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return errno == EAGAIN || errno == ENOTCONN ? 0 : -errno;
		*done += (size_t)n;
	}
	return 1;
}

static ncclResult_t move_request(struct request *request)
{
	int ret = move_bytes(request->comm, &request->len, sizeof(request->len),
			     &request->header_done);

	if (ret == 1 && request->len > request->room)
		return ncclInvalidUsage;
	if (ret == 1)
		ret = move_bytes(request->comm, request->data, request->len, &request->data_done);
	request->done = ret == 1;
	return ret < 0 ? ncclRemoteError : ncclSuccess;
}

static ncclResult_t test(void *arg, int *done, int *sizes)
{
	struct request *request = arg;
	struct comm *comm = request->comm;

	*done = 0;
	if (!request->used || request != &comm->requests[comm->finished % NCCL_NET_MAX_REQUESTS])
		return MISUSE("tests a request that is not the oldest");
	if (fault("error"))
		return ncclRemoteError;
	while (fault("block"))
		sleep(1);
	if (!comm->sends && fault("hang"))
		return ncclSuccess;
	for (uint64_t i = comm->finished; i < comm->posted; i++) {
		struct request *next = &comm->requests[i % NCCL_NET_MAX_REQUESTS];
		ncclResult_t result = next->done ? ncclSuccess : move_request(next);

		if (result != ncclSuccess)
			return result;
		if (!next->done)
			break;
	}
	if (!request->done)
		return ncclSuccess;
	*done = 1;
	if (sizes)
		*sizes = (int)request->len;
	comm->finished++;
	request->used = !comm->sends;	/* receives live until they are consumed */
	return ncclSuccess;
}

static ncclResult_t consumed(void *arg, int n, void *request)
{
	struct comm *comm = arg;
	struct request *oldest = &comm->requests[comm->consumed % NCCL_NET_MAX_REQUESTS];

	if (n != 1 || request != oldest || comm->consumed == comm->finished)
		return MISUSE("has consumed what was not received, or out of order");
	oldest->used = false;
	comm->consumed++;
	return ncclSuccess;
}

static ncclResult_t flush(void *comm, int n, void **data, int *sizes, void **mhandles, void **request)
{
	*request = NULL;
	return n == 1 && sizes[0] > 0 ? ncclSuccess : MISUSE("flushes nothing");
}

static ncclResult_t close_comm(void *arg)
{
	struct comm *comm = arg;
	ncclResult_t result = comm->posted == comm->finished
				      ? ncclSuccess
				      : MISUSE("closes with requests in flight");

	close(comm->fd);
	free(comm);
	return result;
}

#define COMMON                                                                                     \
	.name = "loopback", .devices = devices, .accept = accept_one, .regMr = reg_host,           \
	.regMrDmaBuf = reg_dmabuf, .deregMr = dereg, .iflush = flush, .test = test,                \
	.closeSend = close_comm, .closeRecv = close_comm, .closeListen = close_comm,               \
	.irecvConsumed = consumed

EXPORT const ncclNet_v8_t ncclNetPlugin_v8 = {
	COMMON,
	.init = init_v8,
	.getProperties = properties_v8,
	.listen = listen_v8,
	.connect = connect_v8,
	.isend = isend_v8,
	.irecv = irecv_v8,
};
EXPORT const ncclNet_v9_t ncclNetPlugin_v9 = {
	COMMON,
	.init = init_v8,
	.getProperties = properties_v9,
	.listen = listen_v8,
	.connect = connect_v8,
	.isend = isend_v9,
	.irecv = irecv_v9,
};
EXPORT const ncclNet_v10_t ncclNetPlugin_v10 = {
	COMMON,
	.init = init_v10,
	.getProperties = properties_v10,
	.listen = listen_v8,
	.connect = connect_v10,
	.isend = isend_v10,
	.irecv = irecv_v10,
};
EXPORT const ncclNet_v11_t ncclNetPlugin_v11 = {
	COMMON,
	.init = init_v11,
	.getProperties = properties_v11,
	.listen = listen_v11,
	.connect = connect_v11,
	.isend = isend_v10,
	.irecv = irecv_v10,
	.finalize = finalize,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* A net plugin over RDMA's verbs, for comparison: what its files share. */
#ifndef VERBS_H
#define VERBS_H

#include <infiniband/verbs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "nccl/net_v12.h"
#include "offer.h"

#define VERBS_REQUESTS NCCL_NET_MAX_REQUESTS
#define VERBS_MAGIC 0x76657262

/* Set by init. The message says what happened, why, and what to do. */
extern ncclDebugLogger_t verbs_logger;
#define WARN(...) \
	verbs_logger(NCCL_LOG_WARN, NCCL_NET, __FILE__, __LINE__, "NET/VERBS " __VA_ARGS__)
#define INFO(...) \
	verbs_logger(NCCL_LOG_INFO, NCCL_NET, __FILE__, __LINE__, "NET/VERBS " __VA_ARGS__)

/* A port that speaks RoCE v2. */
struct verbs_device {
	struct ibv_context *context;
	struct ibv_port_attr attr;
	uint64_t guid;
	uint8_t port;
	uint8_t gid_index;
	union ibv_gid gid; /* its IP address, as IPv6 */
};

/* What both ends tell each other by TCP before their queue pairs meet. Both are of one build. */
struct verbs_hello {
	uint32_t magic;
	uint32_t qpn, psn, mtu;
	union ibv_gid gid;
	uint64_t offers; /* address of the sender's array of offers */
	uint32_t rkey, reserved;
};

/* In this order; the sender speaks first, and says at last that its queue pair is there. */
enum verbs_state {
	VERBS_TCP,
	VERBS_OWN_HELLO,
	VERBS_PEER_HELLO,
	VERBS_READY,
	VERBS_UP,
};

struct verbs_request {
	struct verbs_comm *comm;
	uint64_t number; /* of the message */
	uint32_t size;
	bool used;
};

/* One direction of a connection: a queue pair whose other end is the peer's. */
struct verbs_comm {
	struct verbs_device *device;
	bool sends;
	enum verbs_state state;
	int fd;	      /* tells of the peer's end, too */
	size_t moved; /* bytes of the state's message */
	struct verbs_hello own, peer;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *offers_mr;
	struct verbs_offer
		offers[VERBS_REQUESTS]; /* the receiver writes the sender's from its own */
	unsigned int offers_posted;	/* by the receiver, and not acknowledged */
	uint64_t posted, finished;	/* messages; they finish in order */
	unsigned int idle;		/* tests in a row that found nothing */
	struct verbs_request requests[VERBS_REQUESTS];
};

struct verbs_listener {
	struct verbs_device *device;
	int fd;
	struct verbs_comm *accepting;
};

/* Each call that returns ncclResult_t has said what was wrong. verbs_device.c */
ncclResult_t verbs_devices_open(void);
void verbs_devices_close(void);
int verbs_devices_count(void);
struct verbs_device *verbs_device_get(int dev);
int verbs_device_speed(const struct verbs_device *device); /* Mbit/s */

/* verbs_queue.c */
ncclResult_t verbs_queue_open(struct verbs_comm *comm);
ncclResult_t verbs_queue_connect(struct verbs_comm *comm);
void verbs_queue_close(struct verbs_comm *comm);

/* verbs_bootstrap.c: each goes on where it stopped, does not wait, and sets *@done when nothing is
 * left. */
ncclResult_t verbs_tcp_listen(const struct verbs_device *device, int *fd,
			      struct sockaddr_in6 *addr);
ncclResult_t verbs_tcp_begin(struct verbs_comm *comm, const struct sockaddr_in6 *addr);
ncclResult_t verbs_tcp_accept(int listener, int *fd);
ncclResult_t verbs_tcp_connected(struct verbs_comm *comm, bool *done);
ncclResult_t verbs_tcp_send(struct verbs_comm *comm, const void *data, size_t size, bool *done);
ncclResult_t verbs_tcp_recv(struct verbs_comm *comm, void *data, size_t size, bool *done);
bool verbs_tcp_ended(const struct verbs_comm *comm);

/* verbs_connect.c */
ncclResult_t verbs_listen(void *ctx, int dev, void *handle, void **listen_comm);
ncclResult_t verbs_connect(void *ctx, int dev, void *handle, void **send_comm,
			   ncclNetDeviceHandle_t **device);
ncclResult_t verbs_accept(void *listen_comm, void **recv_comm, ncclNetDeviceHandle_t **device);
ncclResult_t verbs_close(void *comm);
ncclResult_t verbs_close_listen(void *listen_comm);

/* verbs_move.c */
ncclResult_t verbs_isend(void *send_comm, void *data, size_t size, int tag, void *mhandle,
			 void *phandle, void **request);
ncclResult_t verbs_irecv(void *recv_comm, int n, void **data, size_t *sizes, int *tags,
			 void **mhandles, void **phandles, void **request);
ncclResult_t verbs_test(void *request, int *done, int *sizes);

/* verbs_complete.c: takes what has finished from the completion queue. */
ncclResult_t verbs_poll(struct verbs_comm *comm);

enum verbs_work { /* wr_id */
		  VERBS_SEND,
		  VERBS_RECV,
		  VERBS_OFFER,
};

#endif

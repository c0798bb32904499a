// SPDX-License-Identifier: BSD-3-Clause
/* Messages: the receiver offers its buffers, the sender writes into them. */
#include <arpa/inet.h>
#include <string.h>

#include "verbs.h"

#define IDLE_LIMIT 1024 /* tests in vain until the peer is looked for */

static ncclResult_t failed(const char *call, int error)
{
	WARN("%s failed: %s; is the device still there? `rdma link show` tells", call,
	     strerror(error));
	return ncclSystemError;
}

/* NULL when the caller has as many requests as there are. */
static struct verbs_request *next_request(struct verbs_comm *comm)
{
	struct verbs_request *request = &comm->requests[comm->posted % VERBS_REQUESTS];

	return request->used ? NULL : request;
}

static void take_request(struct verbs_comm *comm, struct verbs_request *request, uint32_t size)
{
	*request = (struct verbs_request){
		.comm = comm,
		.number = comm->posted++,
		.size = size,
		.used = true,
	};
}

/* The next message's receive, or NULL while its receiver has not offered it. */
static const struct verbs_offer *next_offer(const struct verbs_comm *comm)
{
	const struct verbs_offer *offer = &comm->offers[comm->posted % VERBS_REQUESTS];

	/* The device writes it. */
	return __atomic_load_n(&offer->sequence, __ATOMIC_ACQUIRE) == comm->posted + 1 ? offer
										       : NULL;
}

static ncclResult_t check_match(const struct verbs_offer *offer, size_t size, int tag)
{
	if (offer->tag != tag) {
		WARN("a send with tag %d meets a receive with tag %d: both sides must post in one "
		     "order",
		     tag, offer->tag);
		return ncclInvalidUsage;
	}
	if (offer->size >= size)
		return ncclSuccess;
	WARN("a send of %zu bytes meets a receive of %lu: receives must be as large as their sends",
	     size, offer->size);
	return ncclInvalidUsage;
}

static int post_write(struct verbs_comm *comm, const struct verbs_offer *offer, void *data,
		      uint32_t size, const struct ibv_mr *mr)
{
	struct ibv_sge sge = {.addr = (uintptr_t)data, .length = size, .lkey = mr->lkey};
	struct ibv_send_wr *bad,
		wr = {
			.wr_id = VERBS_SEND,
			.sg_list = &sge,
			.num_sge = size ? 1 : 0,
			.opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
			.imm_data = htonl(size),
			.wr.rdma = {.remote_addr = offer->addr, .rkey = offer->rkey},
		};

	return ibv_post_send(comm->qp, &wr, &bad);
}

ncclResult_t verbs_isend(void *send_comm, void *data, size_t size, int tag, void *mhandle,
			 void *phandle, void **request)
{
	struct verbs_comm *comm = send_comm;
	struct verbs_request *next = next_request(comm);
	const struct verbs_offer *offer = next_offer(comm);
	ncclResult_t result;
	int ret;

	*request = NULL;
	if (!next || !offer)
		return ncclSuccess;
	if (size > comm->device->attr.max_msg_sz) {
		WARN("a send of %zu bytes: the device takes %u, as maxP2pBytes says", size,
		     comm->device->attr.max_msg_sz);
		return ncclInvalidUsage;
	}
	result = check_match(offer, size, tag);
	if (result != ncclSuccess)
		return result;
	ret = post_write(comm, offer, data, (uint32_t)size, mhandle);
	if (ret)
		return failed("ibv_post_send()", ret);
	take_request(comm, next, (uint32_t)size);
	*request = next;
	return ncclSuccess;
}

/* Room for the size that comes with the message; its data goes by the offer. */
static int post_receive(struct verbs_comm *comm)
{
	struct ibv_recv_wr *bad, wr = {.wr_id = VERBS_RECV};

	return ibv_post_recv(comm->qp, &wr, &bad);
}

static int post_offer(struct verbs_comm *comm, const struct verbs_offer *offer)
{
	size_t slot = comm->posted % VERBS_REQUESTS;
	struct ibv_sge sge = {(uintptr_t)&comm->offers[slot], sizeof(*offer),
			      comm->offers_mr->lkey};
	struct ibv_send_wr *bad,
		wr = {
			.wr_id = VERBS_OFFER,
			.sg_list = &sge,
			.num_sge = 1,
			.opcode = IBV_WR_RDMA_WRITE,
			.wr.rdma = {.remote_addr = comm->peer.offers + slot * sizeof(*offer),
				    .rkey = comm->peer.rkey},
		};
	int ret;

	comm->offers[slot] = *offer;
	ret = ibv_post_send(comm->qp, &wr, &bad);
	comm->offers_posted += ret == 0;
	return ret;
}

ncclResult_t verbs_irecv(void *recv_comm, int n, void **data, size_t *sizes, int *tags,
			 void **mhandles, void **phandles, void **request)
{
	struct verbs_comm *comm = recv_comm;
	struct verbs_request *next = next_request(comm);
	const struct ibv_mr *mr = mhandles[0];
	int ret;

	*request = NULL;
	if (n != 1) {
		WARN("irecv of %d buffers: this plugin takes one, as maxRecvs says", n);
		return ncclInvalidUsage;
	}
	if (!next)
		return ncclSuccess;
	if (comm->offers_posted == VERBS_REQUESTS)
		return verbs_poll(comm);
	ret = post_receive(comm);
	if (ret)
		return failed("ibv_post_recv()", ret);
	ret = post_offer(comm, &(struct verbs_offer){.addr = (uintptr_t)data[0],
						     .size = sizes[0],
						     .rkey = mr->rkey,
						     .tag = tags[0],
						     .sequence = comm->posted + 1});
	if (ret)
		return failed("ibv_post_send()", ret);
	take_request(comm, next, 0);
	*request = next;
	return ncclSuccess;
}

/* A queue pair does not tell of a peer that is gone while there is nothing to send to it. */
static ncclResult_t look_for_peer(struct verbs_comm *comm, const struct verbs_request *request)
{
	ncclResult_t result;

	if (++comm->idle % IDLE_LIMIT || !verbs_tcp_ended(comm))
		return ncclSuccess;
	result = verbs_poll(comm); /* what came before the end */
	if (result != ncclSuccess || request->number < comm->finished)
		return result;
	WARN("the peer has ended its connection, and message %lu is not done: its own messages "
	     "tell why",
	     request->number);
	return ncclRemoteError;
}

ncclResult_t verbs_test(void *opaque, int *done, int *sizes)
{
	struct verbs_request *request = opaque;
	struct verbs_comm *comm = request->comm;
	ncclResult_t result = ncclSuccess;

	if (request->number >= comm->finished)
		result = verbs_poll(comm);
	if (result == ncclSuccess && request->number >= comm->finished)
		result = look_for_peer(comm, request);
	*done = result == ncclSuccess && request->number < comm->finished;
	if (!*done)
		return result;
	comm->idle = 0;
	if (sizes)
		sizes[0] = (int)request->size;
	request->used = false;
	return ncclSuccess;
}

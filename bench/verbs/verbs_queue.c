// SPDX-License-Identifier: BSD-3-Clause
/* The queue pair of a connection, and what belongs to it. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "verbs.h"

/* As the specification codes them: 4.096 us * 2^14 until a packet is sent again, and 0.64 ms until
 * a receiver that was not ready is asked again. */
#define ACK_TIMEOUT 14
#define RNR_TIMER 12
#define RETRIES 7
#define PSN_MASK 0xffffff

static ncclResult_t failed(const struct verbs_comm *comm, const char *call, int error)
{
	WARN("%s on %s failed: %s%s", call, ibv_get_device_name(comm->device->context->device),
	     strerror(error),
	     error == ENOMEM ? "; `ulimit -l` may be too low for what is registered" : "");
	return ncclSystemError;
}

static int create_qp(struct verbs_comm *comm)
{
	struct ibv_qp_init_attr init = {
		.send_cq = comm->cq,
		.recv_cq = comm->cq,
		.cap = {.max_send_wr = VERBS_REQUESTS,
			.max_recv_wr = VERBS_REQUESTS,
			.max_send_sge = 1,
			.max_recv_sge = 1},
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
	};
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = comm->device->port,
		.qp_access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE,
	};

	comm->qp = ibv_create_qp(comm->pd, &init);
	if (!comm->qp)
		return errno;
	return ibv_modify_qp(comm->qp, &attr,
			     IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

static ncclResult_t say_hello(struct verbs_comm *comm)
{
	uint32_t psn;

	if (getrandom(&psn, sizeof(psn), 0) != sizeof(psn))
		return failed(comm, "getrandom()", errno);
	comm->own = (struct verbs_hello){
		.magic = VERBS_MAGIC,
		.qpn = comm->qp->qp_num,
		.psn = psn & PSN_MASK,
		.mtu = comm->device->attr.active_mtu,
		.gid = comm->device->gid,
		.offers = (uintptr_t)comm->offers,
		.rkey = comm->offers_mr->rkey,
	};
	return ncclSuccess;
}

ncclResult_t verbs_queue_open(struct verbs_comm *comm)
{
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, ret;

	comm->pd = ibv_alloc_pd(comm->device->context);
	if (!comm->pd)
		return failed(comm, "ibv_alloc_pd()", errno);
	comm->cq = ibv_create_cq(comm->device->context, 2 * VERBS_REQUESTS, NULL, NULL, 0);
	if (!comm->cq)
		return failed(comm, "ibv_create_cq()", errno);
	comm->offers_mr = ibv_reg_mr(comm->pd, comm->offers, sizeof(comm->offers), access);
	if (!comm->offers_mr)
		return failed(comm, "ibv_reg_mr()", errno);
	ret = create_qp(comm);
	return ret ? failed(comm, "making a queue pair", ret) : say_hello(comm);
}

static int to_receive(struct verbs_comm *comm)
{
	const struct verbs_hello *peer = &comm->peer;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = peer->mtu < comm->own.mtu ? peer->mtu : comm->own.mtu,
		.dest_qp_num = peer->qpn,
		.rq_psn = peer->psn,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = RNR_TIMER,
		.ah_attr =
			{
				.is_global = 1,
				.port_num = comm->device->port,
				.grh = {.dgid = peer->gid,
					.sgid_index = comm->device->gid_index,
					.hop_limit = 64},
			},
	};

	return ibv_modify_qp(comm->qp, &attr,
			     IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				     IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				     IBV_QP_MIN_RNR_TIMER);
}

static int to_send(struct verbs_comm *comm)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.timeout = ACK_TIMEOUT,
		.retry_cnt = RETRIES,
		.rnr_retry = RETRIES,
		.sq_psn = comm->own.psn,
		.max_rd_atomic = 1,
	};

	return ibv_modify_qp(comm->qp, &attr,
			     IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				     IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

ncclResult_t verbs_queue_connect(struct verbs_comm *comm)
{
	int ret = to_receive(comm);

	if (ret)
		return failed(comm, "leading the queue pair to its peer", ret);
	ret = to_send(comm);
	return ret ? failed(comm, "making the queue pair ready to send", ret) : ncclSuccess;
}

void verbs_queue_close(struct verbs_comm *comm)
{
	if (comm->qp)
		ibv_destroy_qp(comm->qp);
	if (comm->offers_mr)
		ibv_dereg_mr(comm->offers_mr);
	if (comm->cq)
		ibv_destroy_cq(comm->cq);
	if (comm->pd)
		ibv_dealloc_pd(comm->pd);
}

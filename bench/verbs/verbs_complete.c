// SPDX-License-Identifier: BSD-3-Clause
/* What a completion queue tells: messages that are done, and failures in words. */
#include <arpa/inet.h>

#include "verbs.h"

static ncclResult_t failed(const struct verbs_comm *comm, const struct ibv_wc *wc)
{
	static const char *const works[] = {"a send", "a receive", "the offer of a receive"};

	WARN("%s on %s ended with \"%s\"%s", works[wc->wr_id],
	     ibv_get_device_name(comm->device->context->device), ibv_wc_status_str(wc->status),
	     wc->status == IBV_WC_RETRY_EXC_ERR
		     ? ": the peer does not answer; does it live, and does UDP port 4791 reach it?"
		     : "");
	return wc->status == IBV_WC_RETRY_EXC_ERR ? ncclRemoteError : ncclSystemError;
}

static void complete(struct verbs_comm *comm, const struct ibv_wc *wc)
{
	if (wc->wr_id == VERBS_OFFER) {
		comm->offers_posted--;
		return;
	}
	if (wc->wr_id == VERBS_RECV)
		comm->requests[comm->finished % VERBS_REQUESTS].size = ntohl(wc->imm_data);
	comm->finished++;
}

ncclResult_t verbs_poll(struct verbs_comm *comm)
{
	struct ibv_wc wc[VERBS_REQUESTS];
	int n = ibv_poll_cq(comm->cq, VERBS_REQUESTS, wc);

	if (n < 0) {
		WARN("ibv_poll_cq() failed: is the device still there? `rdma link show` tells");
		return ncclSystemError;
	}
	for (int i = 0; i < n; i++) {
		if (wc[i].status != IBV_WC_SUCCESS)
			return failed(comm, &wc[i]);
		complete(comm, &wc[i]);
	}
	return ncclSuccess;
}

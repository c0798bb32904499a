// SPDX-License-Identifier: BSD-3-Clause
/* NCCL's proxy for one connection, send side and receive side. */
#include "proxy.h"

#include <stdio.h>

static size_t slot_of(uint64_t step)
{
	return step % FIFO_STEPS;
}

/* Messages are counted from 0: one per slice. */
static uint64_t message(const struct fifo *fifo, uint64_t step)
{
	return step / fifo->shape->slice_steps;
}

static int send_failed(const struct proxy_send *proxy, const char *call, ncclResult_t result,
		       uint64_t step, struct failure *failure)
{
	return fail(failure, "%s returned %d (%s) for message %lu of channel %d to rank %d", call,
		    result, result_name(result), message(&proxy->fifo, step), proxy->channel, proxy->peer);
}

static int recv_failed(const struct proxy_recv *proxy, const char *call, ncclResult_t result,
		       uint64_t step, struct failure *failure)
{
	return fail(failure, "%s returned %d (%s) for message %lu of channel %d from rank %d", call,
		    result, result_name(result), message(&proxy->fifo, step), proxy->channel, proxy->peer);
}

static int transmit(struct proxy_send *proxy, struct failure *failure)
{
	size_t slot = slot_of(proxy->transmitted);
	int size = proxy->fifo.size[slot];
	void *request = NULL;
	ncclResult_t result;

	if (proxy->transmitted == proxy->fifo.tail || proxy->transmitted == proxy->done + FIFO_STEPS)
		return 0;
	result = net_call(proxy->net, isend, proxy->comm, fifo_slot(&proxy->fifo, proxy->transmitted),
			  (size_t)size, proxy->rank, proxy->mhandle, NULL, &request);
	if (result != ncclSuccess)
		return send_failed(proxy, "isend", result, proxy->transmitted, failure);
	if (!request)
		return 0;
	proxy->requests[slot] = request;
	proxy->transmitted += proxy->fifo.shape->slice_steps;
	proxy->messages++;
	proxy->empty += size == 0;
	proxy->bytes += (uint64_t)size;
	return 1;
}

/* Only the oldest request is asked about, as NCCL does. */
static int complete_send(struct proxy_send *proxy, struct failure *failure)
{
	size_t slot = slot_of(proxy->done);
	int done = 0, size = 0;
	ncclResult_t result;

	if (proxy->done == proxy->transmitted)
		return 0;
	result = net_call(proxy->net, test, proxy->requests[slot], &done, &size);
	if (result != ncclSuccess)
		return send_failed(proxy, "test", result, proxy->done, failure);
	if (!done)
		return 0;
	proxy->requests[slot] = NULL;
	proxy->done += proxy->fifo.shape->slice_steps;
	proxy->fifo.head = proxy->done;
	return 1;
}

int proxy_send_step(struct proxy_send *proxy, struct failure *failure)
{
	int sent = transmit(proxy, failure);
	int completed = sent < 0 ? -1 : complete_send(proxy, failure);

	return completed < 0 ? -1 : sent | completed;
}

static int post(struct proxy_recv *proxy, struct failure *failure)
{
	size_t slot = slot_of(proxy->posted), size = fifo_slice_bytes(proxy->fifo.shape);
	void *data = fifo_slot(&proxy->fifo, proxy->posted), *request = NULL, *phandle = NULL;
	int tag = proxy->peer;
	ncclResult_t result;

	if (proxy->posted == proxy->goal || proxy->posted == proxy->done + FIFO_STEPS)
		return 0;
	result = net_call(proxy->net, irecv, proxy->comm, 1, &data, &size, &tag, &proxy->mhandle,
			  &phandle, &request);
	if (result != ncclSuccess)
		return recv_failed(proxy, "irecv", result, proxy->posted, failure);
	if (!request)
		return 0;
	proxy->requests[slot] = request;
	proxy->posted += proxy->fifo.shape->slice_steps;
	return 1;
}

static int start_flush(struct proxy_recv *proxy, struct failure *failure)
{
	size_t slot = slot_of(proxy->received);
	void *data = fifo_slot(&proxy->fifo, proxy->received), *request = NULL;
	int size = proxy->fifo.size[slot];
	ncclResult_t result;

	result = net_call(proxy->net, iflush, proxy->comm, 1, &data, &size, &proxy->mhandle,
			  &request);
	if (result != ncclSuccess)
		return recv_failed(proxy, "iflush", result, proxy->received, failure);
	proxy->flushes[slot] = request;
	proxy->flush_calls++;
	return 0;
}

static int complete_recv(struct proxy_recv *proxy, struct failure *failure)
{
	size_t slot = slot_of(proxy->received);
	int done = 0, size = FIFO_SIZE_UNKNOWN;
	ncclResult_t result;

	if (proxy->received == proxy->posted)
		return 0;
	result = net_call(proxy->net, test, proxy->requests[slot], &done, &size);
	if (result != ncclSuccess)
		return recv_failed(proxy, "test", result, proxy->received, failure);
	if (!done)
		return 0;
	proxy->fifo.size[slot] = size;
	proxy->flushes[slot] = NULL;
	if (proxy->flush && size > 0 && start_flush(proxy, failure))
		return -1;
	proxy->received += proxy->fifo.shape->slice_steps;
	proxy->messages++;
	proxy->bytes += size > 0 ? (uint64_t)size : 0;
	return 1;
}

static int complete_flush(struct proxy_recv *proxy, struct failure *failure)
{
	size_t slot = slot_of(proxy->flushed);
	int done = 1;
	ncclResult_t result;

	if (proxy->flushed == proxy->received)
		return 0;
	if (proxy->flushes[slot]) {
		result = net_call(proxy->net, test, proxy->flushes[slot], &done, NULL);
		if (result != ncclSuccess)
			return recv_failed(proxy, "test of a flush", result, proxy->flushed, failure);
	}
	if (!done)
		return 0;
	proxy->flushed += proxy->fifo.shape->slice_steps;
	proxy->fifo.tail = proxy->flushed;
	return 1;
}

static int consume(struct proxy_recv *proxy, struct failure *failure)
{
	size_t slot = slot_of(proxy->done);
	ncclResult_t result;

	if (proxy->done == proxy->fifo.head)
		return 0;
	if (proxy->net->ops.irecvConsumed) {
		result = net_call(proxy->net, irecvConsumed, proxy->comm, 1, proxy->requests[slot]);
		if (result != ncclSuccess)
			return recv_failed(proxy, "irecvConsumed", result, proxy->done, failure);
	}
	proxy->requests[slot] = NULL;
	proxy->done += proxy->fifo.shape->slice_steps;
	return 1;
}

int proxy_recv_step(struct proxy_recv *proxy, struct failure *failure)
{
	static int (*const stages[])(struct proxy_recv *proxy, struct failure *failure) = {
		post, complete_recv, complete_flush, consume,
	};
	int moved = 0;

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		int ret = stages[i](proxy, failure);

		if (ret < 0)
			return ret;
		moved |= ret;
	}
	return moved;
}

void proxy_send_describe(const struct proxy_send *proxy, char *text, size_t size)
{
	text[0] = '\0';
	if (proxy->done < proxy->transmitted)
		snprintf(text, size,
			 "channel %d: send %lu (%d bytes) to rank %d was posted and is not done; ",
			 proxy->channel, message(&proxy->fifo, proxy->done),
			 proxy->fifo.size[slot_of(proxy->done)], proxy->peer);
	else if (proxy->transmitted < proxy->fifo.tail)
		snprintf(text, size,
			 "channel %d: isend gives no request for message %lu to rank %d; ",
			 proxy->channel, message(&proxy->fifo, proxy->transmitted), proxy->peer);
}

void proxy_recv_describe(const struct proxy_recv *proxy, char *text, size_t size)
{
	text[0] = '\0';
	if (proxy->received < proxy->posted)
		snprintf(text, size,
			 "channel %d: receive %lu from rank %d was posted and is not done; ",
			 proxy->channel, message(&proxy->fifo, proxy->received), proxy->peer);
	else if (proxy->flushed < proxy->received)
		snprintf(text, size,
			 "channel %d: the flush of receive %lu from rank %d is not done; ",
			 proxy->channel, message(&proxy->fifo, proxy->flushed), proxy->peer);
	else if (proxy->posted < proxy->goal && proxy->posted < proxy->done + FIFO_STEPS)
		snprintf(text, size,
			 "channel %d: irecv gives no request for message %lu from rank %d; ",
			 proxy->channel, message(&proxy->fifo, proxy->posted), proxy->peer);
}

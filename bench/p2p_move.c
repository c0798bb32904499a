// SPDX-License-Identifier: BSD-3-Clause
/* One plugin between two ranks: streams of messages, and single ones to and fro. */
#include <sched.h>
#include <string.h>

#include "p2p.h"
#include "worker.h"

/* One direction of one channel. Requests end in the order in which they were begun, as NCCL asks
 * for them. */
struct flow {
	void *comm, *mr;
	char *data;
	void *requests[P2P_MAX_DEPTH];
	unsigned int begun, done, goal;
	unsigned int channel;
	bool send;
};

static int failed(struct p2p_link *link, const char *call, ncclResult_t result,
		  const struct flow *flow, unsigned int message)
{
	return fail(link->failure,
		    "%s of plugin '%s' returned %d (%s) for message %u of channel %u", call,
		    link->name, result, result_name(result), message, flow->channel);
}

/* The byte at @i of a message: differs between neighbours, messages, channels and directions. */
static unsigned char pattern(unsigned int message, unsigned int channel, int from, size_t i)
{
	uint64_t x = (i / 8 + 1) * 0x9e3779b97f4a7c15ULL + message * 0xbf58476d1ce4e5b9ULL +
		     (channel * 2 + (unsigned int)from) * 0x94d049bb133111ebULL;

	return (unsigned char)((x ^ x >> 29) >> (i % 8 * 8));
}

static int fill(struct p2p_link *link, char *data, size_t bytes, const struct flow *flow)
{
	char *near = link->near ? link->near : data;

	for (size_t i = 0; i < bytes; i++)
		near[i] = (char)pattern(flow->begun, flow->channel, link->rank, i);
	return p2p_near_written(link, data, bytes);
}

/* So that bytes which were not received are wrong. */
static int spoil(struct p2p_link *link, char *data, size_t bytes)
{
	memset(link->near ? link->near : data, 0x5a, bytes);
	return p2p_near_written(link, data, bytes);
}

static int count_wrong(struct p2p_link *link, char *data, size_t bytes, const struct flow *flow,
		       uint64_t *wrong)
{
	const char *near = p2p_near_read(link, data, bytes);

	for (size_t i = 0; near && i < bytes; i++)
		*wrong += (unsigned char)near[i] !=
			  pattern(flow->done, flow->channel, !link->rank, i);
	return near ? 0 : -1;
}

static int begin(struct p2p_link *link, struct flow *flow, size_t bytes, unsigned int depth,
		 bool check)
{
	unsigned int slot = flow->begun % depth;
	void *data = flow->data + slot * link->slot, *request = NULL, *phandle = NULL;
	int tag = 0;
	ncclResult_t result;

	if (flow->begun == flow->goal || flow->begun - flow->done == depth)
		return 0;
	if (flow->send) {
		if (check && fill(link, data, bytes, flow))
			return -1;
		result = net_call(&link->net, isend, flow->comm, data, bytes, tag, flow->mr, NULL,
				  &request);
	} else {
		if (check && spoil(link, data, bytes))
			return -1;
		result = net_call(&link->net, irecv, flow->comm, 1, &data, &bytes, &tag, &flow->mr,
				  &phandle, &request);
	}
	if (result != ncclSuccess)
		return failed(link, flow->send ? "isend" : "irecv", result, flow, flow->begun);
	if (!request)
		return 0;
	flow->requests[slot] = request;
	flow->begun++;
	return 1;
}

static int end(struct p2p_link *link, struct flow *flow, size_t bytes, unsigned int depth,
	       bool check, uint64_t *wrong)
{
	unsigned int slot = flow->done % depth;
	int done = 0, size = 0;
	ncclResult_t result;

	if (flow->done == flow->begun)
		return 0;
	result = net_call(&link->net, test, flow->requests[slot], &done, &size);
	if (result != ncclSuccess)
		return failed(link, "test", result, flow, flow->done);
	if (!done)
		return 0;
	if (!flow->send && (size_t)size != bytes)
		return fail(link->failure,
			    "plugin '%s' says message %u of channel %u has %d bytes; %zu were sent",
			    link->name, flow->done, flow->channel, size, bytes);
	if (!flow->send && check &&
	    count_wrong(link, flow->data + slot * link->slot, bytes, flow, wrong))
		return -1;
	if (!flow->send && link->net.ops.irecvConsumed) {
		result = net_call(&link->net, irecvConsumed, flow->comm, 1, flow->requests[slot]);
		if (result != ncclSuccess)
			return failed(link, "irecvConsumed", result, flow, flow->done);
	}
	flow->done++;
	return 1;
}

static int stuck(struct p2p_link *link, const struct flow *flow)
{
	return fail(link->failure,
		    "nothing moved for %u s in plugin '%s': channel %u has begun %u and ended %u "
		    "of %u %s; NCCL_DEBUG=INFO tells more",
		    link->timeout, link->name, flow->channel, flow->begun, flow->done, flow->goal,
		    flow->send ? "sends" : "receives");
}

static int run_flows(struct p2p_link *link, struct flow *flows, unsigned int n, size_t bytes,
		     unsigned int depth, bool check, uint64_t *wrong)
{
	uint64_t moved = now_ns();
	unsigned int open, idle = 0;

	do {
		int progress = 0;

		open = 0;
		for (unsigned int f = 0; f < n; f++) {
			int begun = begin(link, &flows[f], bytes, depth, check);
			int ended = begun < 0 ? -1
					      : end(link, &flows[f], bytes, depth, check, wrong);

			if (ended < 0)
				return -1;
			progress |= begun | ended;
			open += flows[f].done < flows[f].goal;
		}
		idle = progress ? 0 : idle + 1;
		if (idle)
			sched_yield(); /* as NCCL's progress thread does */
		/* The clock is looked at rarely, so that it does not count as the plugin's cost. */
		if (progress && idle == 0)
			moved = 0;
		else if (idle % 1024 == 0) {
			uint64_t now = now_ns();

			if (!moved)
				moved = now;
			for (unsigned int f = 0; now > moved + link->timeout * 1000000000ULL; f++)
				if (flows[f].done < flows[f].goal)
					return stuck(link, &flows[f]);
		}
	} while (open);
	return 0;
}

static void set_flow(struct p2p_link *link, struct flow *flow, unsigned int channel, bool send,
		     unsigned int goal)
{
	struct p2p_lane *lane = &link->lanes[channel];

	*flow = (struct flow){
		.comm = send ? lane->send_comm : lane->recv_comm,
		.mr = send ? lane->send.mr : lane->recv.mr,
		.data = send ? lane->send.data : lane->recv.data,
		.goal = goal,
		.channel = channel,
		.send = send,
	};
}

int p2p_stream(struct p2p_link *link, const struct p2p_shape *shape, unsigned int messages,
	       bool check, uint64_t *wrong)
{
	struct flow flows[2 * P2P_MAX_CHANNELS];
	unsigned int n = 0;

	for (unsigned int c = 0; c < shape->channels; c++) {
		if (link->rank == 0 || shape->both)
			set_flow(link, &flows[n++], c, true, messages);
		if (link->rank == 1 || shape->both)
			set_flow(link, &flows[n++], c, false, messages);
	}
	return run_flows(link, flows, n, shape->bytes, shape->depth, check, wrong);
}

int p2p_pingpong(struct p2p_link *link, size_t bytes, unsigned int n, uint64_t *ns)
{
	struct flow there, back;
	uint64_t wrong = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t begin = now_ns();

		set_flow(link, &there, 0, link->rank == 0, 1);
		set_flow(link, &back, 0, link->rank == 1, 1);
		if (run_flows(link, &there, 1, bytes, 1, false, &wrong) ||
		    run_flows(link, &back, 1, bytes, 1, false, &wrong))
			return -1;
		if (ns)
			ns[i] = (now_ns() - begin) / 2;
	}
	return 0;
}

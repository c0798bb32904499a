// SPDX-License-Identifier: BSD-3-Clause
/* The progress thread's job: all-reduces, the kernels and proxies of all channels turn by turn. */
#include "reduce.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static double cpu_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void start_kernel(const struct reduce *reduce, unsigned int c)
{
	struct comm *comm = reduce->comm;
	struct channel *channel = &comm->channels[c];
	struct ring ring = {
		.rank = (unsigned int)comm->rank,
		.ranks = (unsigned int)comm->ranks,
		.shape = comm->args->shape,
		.element_size = comm->args->element->size,
	};

	ring_part(reduce->count, ring.element_size, c, comm->n_channels, &ring.first, &ring.count);
	channel->kernel = (struct kernel){
		.ring = ring,
		.element = comm->args->element,
		.src = reduce->src,
		.dst = reduce->dst,
		.recv = &channel->recv.fifo,
		.send = &channel->send.fifo,
		.far = comm->far.exporter ? &comm->far : NULL,
	};
	if (channel->device.handle)
		kernel_unpack_start(&channel->kernel.unpack, channel->device.handle);
}

/* The proxies learn of all the work at once, as from launches that run ahead of the GPU. */
static void announce(const struct reduce *reduce)
{
	for (unsigned int c = 0; c < reduce->comm->n_channels; c++) {
		struct channel *channel = &reduce->comm->channels[c];
		size_t steps;

		start_kernel(reduce, c);
		steps = ring_steps(&channel->kernel.ring) * reduce->iters;
		channel->send.goal += steps;
		channel->recv.goal += steps;
	}
}

static int step(struct comm *comm, bool *kernels_done, bool *proxies_done)
{
	int moved = 0;

	*kernels_done = true;
	*proxies_done = true;
	for (unsigned int c = 0; c < comm->n_channels; c++) {
		struct channel *channel = &comm->channels[c];
		int recv = proxy_recv_step(&channel->recv, comm->failure);
		int kernel = recv < 0 ? -1 : kernel_step(&channel->kernel, comm->failure);
		int send = kernel < 0 ? -1 : proxy_send_step(&channel->send, comm->failure);

		if (send < 0)
			return -1;
		moved |= recv | kernel | send;
		*kernels_done &= kernel_done(&channel->kernel);
		*proxies_done &= proxy_send_idle(&channel->send) && proxy_recv_idle(&channel->recv);
	}
	return moved;
}

static int stuck(const struct comm *comm)
{
	char text[896] = "";
	size_t len = 0;

	for (unsigned int c = 0; c < comm->n_channels; c++) {
		proxy_recv_describe(&comm->channels[c].recv, text + len, sizeof(text) - len);
		len += strlen(text + len);
		proxy_send_describe(&comm->channels[c].send, text + len, sizeof(text) - len);
		len += strlen(text + len);
	}
	return fail(comm->failure, "nothing moved for %u s: %sNCCL would hang here",
		    comm->args->timeout, text);
}

/* Goes round until the kernels are done, or the proxies where @drain is true. */
static int progress(struct comm *comm, bool drain)
{
	bool kernels_done, proxies_done;
	uint64_t last = now_ns();

	for (;;) {
		int moved = step(comm, &kernels_done, &proxies_done);

		if (moved < 0)
			return -1;
		if (drain ? proxies_done : kernels_done)
			return 0;
		uint64_t now = now_ns();

		worker_beat(comm->worker, now);
		if (moved)
			last = now;
		else if (now > last + comm->args->timeout * 1000000000ULL)
			return stuck(comm);
		else
			sched_yield();
	}
}

int reduce_run(void *arg)
{
	struct reduce *reduce = arg;
	struct comm *comm = reduce->comm;
	double cpu = cpu_now();
	uint64_t start = now_ns();

	announce(reduce);
	for (unsigned int i = 0; i < reduce->iters; i++) {
		for (unsigned int c = 0; i && c < comm->n_channels; c++)
			start_kernel(reduce, c);
		if (progress(comm, false))
			return -1;
	}
	reduce->seconds = (double)(now_ns() - start) / 1e9;
	if (progress(comm, true))
		return -1;
	reduce->cpu_seconds = cpu_now() - cpu;
	return 0;
}

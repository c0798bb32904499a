// SPDX-License-Identifier: BSD-3-Clause
/* The progress thread's job: a collective some times in a row, the kernels and proxies of all links turn by turn. */
#include "launch.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "cputime.h"

static void start_kernel(const struct launch *launch, struct link *link)
{
	struct comm *comm = launch->comm;
	struct work work = {
		.rank = collective_from_root((unsigned int)comm->rank,
					     (unsigned int)comm->ranks, comm->args->root),
		.ranks = (unsigned int)comm->ranks,
		.distance = link->distance,
		.shape = comm->args->shape,
		.element_size = comm->args->element->size,
		.block = launch->block,
	};

	work_split(&work, link->channel, comm->args->channels);
	link->kernel = (struct kernel){
		.collective = comm->args->collective,
		.work = work,
		.element = comm->args->element,
		.src = launch->src,
		.dst = launch->dst,
		.recv = &link->recv.fifo,
		.send = &link->send.fifo,
		.far = comm->far.exporter ? &comm->far : NULL,
	};
	if (link->device.handle)
		kernel_unpack_start(&link->kernel.unpack, link->device.handle);
}

static void start_kernels(const struct launch *launch)
{
	for (unsigned int i = 0; i < launch->comm->n_links; i++)
		start_kernel(launch, &launch->comm->links[i]);
}

/* The proxies learn of the work of @iters launches at once, as from launches that run ahead of the GPU; the first is started. */
static void announce(const struct launch *launch, unsigned int iters)
{
	const struct collective *collective = launch->comm->args->collective;

	for (unsigned int i = 0; i < launch->comm->n_links; i++) {
		struct link *link = &launch->comm->links[i];
		const struct work *work = &link->kernel.work;

		start_kernel(launch, link);
		link->send.goal += collective_steps(collective, work, OP_SEND) * iters;
		link->recv.goal += collective_steps(collective, work, OP_RECV) * iters;
	}
}

static int step(struct comm *comm, bool *kernels_done, bool *proxies_done)
{
	int moved = 0;

	*kernels_done = true;
	*proxies_done = true;
	for (unsigned int i = 0; i < comm->n_links; i++) {
		struct link *link = &comm->links[i];
		int recv = proxy_recv_step(&link->recv, comm->failure);
		int kernel = recv < 0 ? -1 : kernel_step(&link->kernel, comm->failure);
		int send = kernel < 0 ? -1 : proxy_send_step(&link->send, comm->failure);

		if (send < 0)
			return -1;
		moved |= recv | kernel | send;
		*kernels_done &= kernel_done(&link->kernel);
		*proxies_done &= proxy_send_idle(&link->send) && proxy_recv_idle(&link->recv);
	}
	return moved;
}

static int stuck(const struct comm *comm)
{
	char text[896] = "";
	size_t len = 0;

	for (unsigned int i = 0; i < comm->n_links; i++) {
		proxy_recv_describe(&comm->links[i].recv, text + len, sizeof(text) - len);
		len += strlen(text + len);
		proxy_send_describe(&comm->links[i].send, text + len, sizeof(text) - len);
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

int launch_run(void *arg)
{
	struct launch *launch = arg;
	struct comm *comm = launch->comm;
	double cpu = cputime_now();
	uint64_t start = now_ns();

	for (unsigned int i = 0; i < launch->iters; i++) {
		if (i == 0 || comm->args->blocking)
			announce(launch, comm->args->blocking ? 1 : launch->iters);
		else
			start_kernels(launch);
		if (progress(comm, false))
			return -1;
		if (launch->done)
			atomic_fetch_add_explicit(launch->done, 1, memory_order_relaxed);
	}
	launch->seconds = (double)(now_ns() - start) / 1e9;
	if (progress(comm, true))
		return -1;
	launch->cpu_seconds = cputime_now() - cpu;
	return 0;
}

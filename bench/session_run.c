// SPDX-License-Identifier: BSD-3-Clause
/* One plugin of a rank: its runs of one size, and what they cost. */
#include <mpi.h>
#include <stdlib.h>

#include "launch.h"
#include "live.h"
#include "percentile.h"
#include "retransmits.h"
#include "session.h"

static int run_launch(struct session *session, struct launch *launch)
{
	session->comm.worker = &session->progress;
	session->totals.runs += launch->iters;
	return worker_run(&session->progress, launch_run, launch, session->failure);
}

static int run_live(struct session *session, struct launch *launch, const char *what)
{
	struct live live = {
		.what = what,
		.label = session->args->n_plugins > 1 ? session->plugin->text : NULL,
		.bytes = buffers_bytes(session->buffers, launch->block),
		.runs = launch->iters,
		.begin = now_ns(),
	};
	int ret;

	launch->done = &live.done;
	session->progress.tick = live_show;
	session->progress.tick_arg = &live;
	ret = run_launch(session, launch);
	session->progress.tick = NULL;
	live_erase();
	return ret;
}

static int run(struct session *session, struct launch *launch, size_t block, unsigned int iters,
	       const char *what)
{
	*launch = (struct launch){
		.comm = &session->comm,
		.src = buffers_src(session->buffers, block),
		.dst = buffers_dst(session->buffers, block),
		.block = block,
		.iters = iters,
	};
	if (!iters)
		return 0;
	return session->live ? run_live(session, launch, what) : run_launch(session, launch);
}

int session_warm(struct session *session, size_t block, unsigned int iters)
{
	struct launch launch;

	return run(session, &launch, block, iters, "warm-up");
}

int session_time(struct session *session, size_t block, struct cost *cost)
{
	struct launch launch;

	cost->retransmits = retransmits_now();
	MPI_Barrier(MPI_COMM_WORLD);
	if (run(session, &launch, block, session->args->iters, "run"))
		return -1;
	cost->seconds = launch.seconds;
	cost->cpu = launch.cpu_seconds;
	cost->retransmits = retransmits_now() - cost->retransmits;
	return 0;
}

int session_check(struct session *session, size_t block, struct result *result, struct cost *cost)
{
	uint64_t bad, before = retransmits_now();
	struct launch launch;

	if (buffers_fill(session->buffers, block) || run(session, &launch, block, 1, "check"))
		return -1;
	cost->seconds = launch.seconds;
	cost->cpu = launch.cpu_seconds;
	cost->retransmits = retransmits_now() - before;
	if (buffers_check(session->buffers, block, &bad))
		return -1;
	MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	result->wrong += bad;
	result->checked = true;
	session->totals.wrong += bad;
	session->totals.checks++;
	return 0;
}

struct results *session_results(struct session *session)
{
	return session->buffers->in_place ? &session->in_place : &session->out_of_place;
}

static int keep(struct session *session, const struct result *result)
{
	struct results *results = session_results(session);
	struct result *more = realloc(results->list, (results->n + 1) * sizeof(*more));

	if (!more)
		return fail(session->failure, "out of memory");
	results->list = more;
	more[results->n++] = *result;
	return 0;
}

int session_account(struct session *session, struct result *result, const struct cost *costs,
		    unsigned int repeats, unsigned int iters)
{
	struct totals *totals = &session->totals;
	double seconds[REPEATS_MAX], cpu[REPEATS_MAX];
	uint64_t retransmits = 0;

	for (unsigned int r = 0; r < repeats; r++) {
		seconds[r] = costs[r].seconds;
		cpu[r] = costs[r].cpu;
		totals->wall_seconds += seconds[r];
		totals->cpu_seconds += cpu[r];
		retransmits += costs[r].retransmits;
	}
	totals->retransmits += retransmits;
	totals->timed_bytes += result->bytes * iters * repeats *
			       session->args->collective->sizes_sent(session->buffers->ranks);
	MPI_Allreduce(MPI_IN_PLACE, seconds, (int)repeats, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	MPI_Allreduce(MPI_IN_PLACE, cpu, (int)repeats, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	MPI_Allreduce(&retransmits, &result->retransmits, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	result->seconds = median(seconds, repeats) / session->buffers->ranks / iters;
	result->cpu_seconds = median(cpu, repeats) / iters;
	return keep(session, result);
}

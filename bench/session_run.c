// SPDX-License-Identifier: BSD-3-Clause
/* A rank's whole run: the sizes, the timing and the checks. */
#include <inttypes.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differences.h"
#include "launch.h"
#include "retransmits.h"
#include "session.h"
#include "size.h"

#define POISON 0xa5

static unsigned int src_blocks(const struct session *session)
{
	return collective_src_blocks(session->args.collective, (unsigned int)session->comm.ranks);
}

static unsigned int dst_blocks(const struct session *session)
{
	return collective_dst_blocks(session->args.collective, (unsigned int)session->comm.ranks);
}

/* Elements of a block when the larger of a rank's buffers has @bytes, and the other way round. */
static size_t block_of(const struct session *session, uint64_t bytes)
{
	return bytes / session->args.element->size /
	       collective_blocks(session->args.collective, (unsigned int)session->comm.ranks);
}

static uint64_t size_of(const struct session *session, size_t block)
{
	return block * session->args.element->size *
	       collective_blocks(session->args.collective, (unsigned int)session->comm.ranks);
}

static size_t result_bytes(const struct session *session, size_t block)
{
	return block * dst_blocks(session) * session->args.element->size;
}

/* What the timed runs of a size cost this rank. */
struct cost {
	double seconds, cpu;
	uint64_t retransmits;
};

static int run(struct session *session, struct launch *launch, size_t block, unsigned int iters)
{
	*launch = (struct launch){
		.comm = &session->comm,
		.src = session->src->addr,
		.dst = session->dst->addr,
		.block = block,
		.iters = iters,
	};
	if (!iters)
		return 0;
	session->comm.worker = &session->progress;
	session->totals.runs += iters;
	return worker_run(&session->progress, launch_run, launch, &session->failure);
}

/* Where the CPU reads and writes a user's buffer: there, or in its shadow. */
static void *view(const struct session *session, const struct devmem_mem *mem)
{
	return session->shadow ? session->shadow : mem->addr;
}

/* Copies the shadow to the buffer, or the other way; nothing to do where there is none. */
static int copy_shadow(struct session *session, struct devmem_copy piece)
{
	int ret = session->shadow ? far_copy(session->comm.exporter, &piece, 1) : 0;

	if (ret)
		return fail(&session->failure, "copying %zu bytes of device memory: %s", piece.len,
			    strerror(-ret));
	return 0;
}

static int fill(struct session *session, size_t block)
{
	const struct element *element = session->args.element;
	struct devmem_mem *src = session->src, *dst = session->dst;
	size_t count = block * src_blocks(session), bytes = count * element->size;

	session->round++;
	element->fill(view(session, src), count, (unsigned int)session->comm.rank, session->round);
	if (copy_shadow(session, (struct devmem_copy){ src->addr, session->shadow, bytes }))
		return -1;
	bytes = result_bytes(session, block) + RESULT_GUARD;
	memset(view(session, dst), POISON, bytes);
	return copy_shadow(session, (struct devmem_copy){ dst->addr, session->shadow, bytes });
}

/* Elements of the result that the CPU sees. */
static size_t wrong_elements(struct session *session, size_t block)
{
	const struct collective *collective = session->args.collective;
	const struct element *element = session->args.element;
	unsigned int rank = (unsigned int)session->comm.rank,
		     ranks = (unsigned int)session->comm.ranks;
	const uint8_t *result = view(session, session->dst);
	size_t wrong = 0;

	for (unsigned int b = 0; b < dst_blocks(session); b++) {
		struct origin origin = collective->origin(rank, ranks, block, b);
		size_t first = 0, n;

		n = element->wrong(result + b * block * element->size, block, &origin,
				   session->round, &first);
		if (n)
			fprintf(stderr,
				"%s: rank %u: %zu of %zu elements are wrong, the first is element %zu\n",
				collective->name, rank, n, block, b * block + first);
		wrong += n;
	}
	return wrong;
}

static uint64_t wrong_guard(struct session *session, size_t block)
{
	size_t bytes = result_bytes(session, block);
	const uint8_t *guard = (const uint8_t *)view(session, session->dst) + bytes;
	uint64_t beyond = 0;

	for (size_t i = 0; i < RESULT_GUARD; i++)
		beyond += guard[i] != POISON;
	if (beyond)
		fprintf(stderr,
			"%s: rank %d: %" PRIu64
			" bytes after the result of %zu bytes were overwritten\n",
			session->args.collective->name, session->comm.rank, beyond, bytes);
	return beyond;
}

/* One run on new data, looked at on every rank. Adds to @result the wrong elements of all ranks. */
static int check(struct session *session, size_t block, struct result *result,
		 struct launch *launch)
{
	size_t bytes = result_bytes(session, block) + RESULT_GUARD;
	uint64_t bad;

	if (fill(session, block) || run(session, launch, block, 1) ||
	    copy_shadow(session, (struct devmem_copy){ session->shadow, session->dst->addr, bytes }))
		return -1;
	bad = wrong_elements(session, block) + wrong_guard(session, block);
	MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	result->wrong += bad;
	result->checked = true;
	session->totals.wrong += bad;
	session->totals.checks++;
	return 0;
}

/* Puts the mean over the ranks, and the CPU time and retransmits of all, into @result. */
static void account(struct session *session, struct result *result, const struct cost *cost,
		    unsigned int iters)
{
	struct totals *totals = &session->totals;
	const struct collective *collective = session->args.collective;
	double sums[2] = { cost->seconds, cost->cpu };

	totals->wall_seconds += cost->seconds;
	totals->cpu_seconds += cost->cpu;
	totals->retransmits += cost->retransmits;
	totals->timed_bytes += result->bytes * iters *
			       collective->sizes_sent((unsigned int)session->comm.ranks);
	MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	MPI_Allreduce(&cost->retransmits, &result->retransmits, 1, MPI_UINT64_T, MPI_SUM,
		      MPI_COMM_WORLD);
	result->seconds = sums[0] / session->comm.ranks / iters;
	result->cpu_seconds = sums[1] / iters;
}

/* Adds to @cost. */
static int run_timed(struct session *session, size_t block, struct cost *cost)
{
	uint64_t before = retransmits_now();
	struct launch launch;

	MPI_Barrier(MPI_COMM_WORLD);
	if (run(session, &launch, block, session->args.iters))
		return -1;
	cost->seconds += launch.seconds;
	cost->cpu += launch.cpu_seconds;
	cost->retransmits += retransmits_now() - before;
	return 0;
}

static int run_size(struct session *session, uint64_t bytes, struct result *result)
{
	const struct args *args = &session->args;
	size_t block = block_of(session, bytes);
	struct cost cost = { 0 };
	struct launch launch;

	*result = (struct result){ .bytes = size_of(session, block), .count = block };
	if (fill(session, block) || run(session, &launch, block, args->warmup))
		return -1;
	if (run_timed(session, block, &cost))
		return -1;
	account(session, result, &cost, args->iters);
	for (unsigned int i = 0; i < args->checks; i++)
		if (check(session, block, result, &launch))
			return -1;
	return 0;
}

static int add_result(struct session *session, const struct result *result)
{
	struct result *more = realloc(session->results, (session->n_results + 1) * sizeof(*more));

	if (!more)
		return fail(&session->failure, "out of memory");
	session->results = more;
	more[session->n_results++] = *result;
	if (session->comm.rank == 0)
		table_line(result, &session->comm);
	return 0;
}

static int run_sizes(struct session *session)
{
	const struct args *args = &session->args;
	struct result result;

	for (uint64_t bytes = args->min_bytes; bytes <= args->max_bytes;
	     bytes = args->factor ? bytes * args->factor : bytes + args->step_bytes)
		if (run_size(session, bytes, &result) || add_result(session, &result))
			return -1;
	return 0;
}

/* The one line of the table then holds means over all sizes. */
static int run_random(struct session *session)
{
	const struct args *args = &session->args;
	struct result result = { 0 };
	struct launch launch;
	struct cost cost = { .retransmits = -retransmits_now() };
	uint64_t state = args->seed;

	for (unsigned int i = 0; i < args->random; i++) {
		size_t block = block_of(
			session, random_size(&state, args->min_bytes, args->max_bytes));

		if (check(session, block, &result, &launch))
			return -1;
		cost.seconds += launch.seconds;
		cost.cpu += launch.cpu_seconds;
		result.count += block;
	}
	result.count /= args->random;
	result.bytes = size_of(session, result.count);
	cost.retransmits += retransmits_now();
	account(session, &result, &cost, args->random);
	return add_result(session, &result);
}

static int print_differences(struct session *session)
{
	const struct ranks *ranks = &session->ranks;

	if (ranks->facts && differences_print(stdout, ranks->facts, ranks->hosts, ranks->n))
		return fail(&session->failure, "out of memory");
	return 0;
}

int session_run(struct session *session)
{
	if (session->comm.rank == 0) {
		table_header(&session->comm);
		if (print_differences(session))
			return -1;
		table_columns();
	}
	return session->args.random ? run_random(session) : run_sizes(session);
}

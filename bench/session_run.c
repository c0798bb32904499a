// SPDX-License-Identifier: BSD-3-Clause
/* A rank's whole run: the sizes, the timing and the checks. */
#include <inttypes.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reduce.h"
#include "session.h"
#include "size.h"

#define POISON 0xa5

static int run(struct session *session, struct reduce *reduce, size_t count, unsigned int iters)
{
	*reduce = (struct reduce){
		.comm = &session->comm,
		.src = session->src->addr,
		.dst = session->dst->addr,
		.count = count,
		.iters = iters,
	};
	if (!iters)
		return 0;
	session->comm.worker = &session->progress;
	session->totals.all_reduces += iters;
	return worker_run(&session->progress, reduce_run, reduce, &session->failure);
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

static int fill(struct session *session, size_t count)
{
	const struct element *element = session->args.element;
	struct devmem_mem *src = session->src, *dst = session->dst;
	size_t bytes = count * element->size;

	session->round++;
	element->fill(view(session, src), count, (unsigned int)session->comm.rank, session->round);
	if (copy_shadow(session, (struct devmem_copy){ src->addr, session->shadow, bytes }))
		return -1;
	bytes += RESULT_GUARD;
	memset(view(session, dst), POISON, bytes);
	return copy_shadow(session, (struct devmem_copy){ dst->addr, session->shadow, bytes });
}

/* Elements and bytes of the result that the CPU sees. */
static uint64_t wrong(struct session *session, size_t count)
{
	const struct element *element = session->args.element;
	const uint8_t *result = view(session, session->dst), *guard = result + count * element->size;
	size_t first = 0, n;
	uint64_t beyond = 0;

	n = element->wrong(result, count, (unsigned int)session->comm.ranks, session->round,
			   &first);
	for (size_t i = 0; i < RESULT_GUARD; i++)
		beyond += guard[i] != POISON;
	if (n)
		fprintf(stderr,
			"allreduce: rank %d: %zu of %zu elements are wrong, the first is element %zu\n",
			session->comm.rank, n, count, first);
	if (beyond)
		fprintf(stderr,
			"allreduce: rank %d: %" PRIu64
			" bytes after the result of %zu elements were overwritten\n",
			session->comm.rank, beyond, count);
	return n + beyond;
}

/* One all-reduce of new data, looked at on every rank. Adds to @result the wrong elements of all ranks. */
static int check(struct session *session, size_t count, struct result *result, struct reduce *reduce)
{
	size_t bytes = count * session->args.element->size + RESULT_GUARD;
	uint64_t bad;

	if (fill(session, count) || run(session, reduce, count, 1) ||
	    copy_shadow(session, (struct devmem_copy){ session->shadow, session->dst->addr, bytes }))
		return -1;
	bad = wrong(session, count);
	MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	result->wrong += bad;
	result->checked = true;
	session->totals.wrong += bad;
	session->totals.checks++;
	return 0;
}

/* Puts the mean over the ranks, and the CPU time of all, into @result. */
static void account(struct session *session, struct result *result, double seconds, double cpu,
		    unsigned int iters)
{
	double sums[2] = { seconds, cpu };

	session->totals.wall_seconds += seconds;
	session->totals.cpu_seconds += cpu;
	MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	result->seconds = sums[0] / session->comm.ranks / iters;
	result->cpu_seconds = sums[1] / iters;
}

static int run_size(struct session *session, uint64_t bytes, struct result *result)
{
	const struct args *args = &session->args;
	size_t count = bytes / args->element->size;
	struct reduce reduce;

	*result = (struct result){ .bytes = count * args->element->size, .count = count };
	if (fill(session, count) || run(session, &reduce, count, args->warmup))
		return -1;
	MPI_Barrier(MPI_COMM_WORLD);
	if (run(session, &reduce, count, args->iters))
		return -1;
	account(session, result, reduce.seconds, reduce.cpu_seconds, args->iters);
	for (unsigned int i = 0; i < args->checks; i++)
		if (check(session, count, result, &reduce))
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
		table_line(result, session->comm.ranks, session->args.element);
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
	struct reduce reduce;
	double seconds = 0, cpu = 0;
	uint64_t state = args->seed;

	for (unsigned int i = 0; i < args->random; i++) {
		size_t count =
			random_size(&state, args->min_bytes, args->max_bytes) / args->element->size;

		if (check(session, count, &result, &reduce))
			return -1;
		seconds += reduce.seconds;
		cpu += reduce.cpu_seconds;
		result.count += count;
	}
	result.count /= args->random;
	result.bytes = result.count * args->element->size;
	account(session, &result, seconds, cpu, args->random);
	return add_result(session, &result);
}

int session_run(struct session *session)
{
	if (session->comm.rank == 0)
		table_header(&session->comm);
	return session->args.random ? run_random(session) : run_sizes(session);
}

// SPDX-License-Identifier: BSD-3-Clause
/* All plugins of a rank in turns, through all sizes. */
#include "turns.h"

#include "differences.h"
#include "size.h"

/* What a size needs of every plugin. */
struct turn {
	struct result results[PLUGINS_MAX];
	struct cost costs[PLUGINS_MAX][REPEATS_MAX];
};

static int warm(struct session *sessions, unsigned int n, size_t block)
{
	if (buffers_fill(sessions->buffers, block))
		return -1;
	for (unsigned int p = 0; p < n; p++)
		if (session_warm(&sessions[p], block, sessions->args->warmup))
			return -1;
	return 0;
}

static int repeat(struct session *sessions, unsigned int n, size_t block, struct turn *turn)
{
	for (unsigned int r = 0; r < sessions->args->repeat; r++)
		for (unsigned int p = 0; p < n; p++)
			if (session_time(&sessions[p], block, &turn->costs[p][r]))
				return -1;
	return 0;
}

static int check(struct session *session, size_t block, struct result *result)
{
	struct cost untimed;

	for (unsigned int i = 0; i < session->args->checks; i++)
		if (session_check(session, block, result, &untimed))
			return -1;
	return 0;
}

static const struct result *last(const struct results *results)
{
	return results->n ? &results->list[results->n - 1] : NULL;
}

static void print(const struct session *sessions, unsigned int n)
{
	for (unsigned int p = 0; p < n && sessions->buffers->rank == 0; p++) {
		const struct result *result = last(&sessions[p].out_of_place);

		table_line(result, last(&sessions[p].in_place), &sessions[p].comm,
			   n > 1 ? sessions[p].plugin->text : NULL);
		if (p)
			table_ratio(result, last(&sessions[0].out_of_place));
	}
}

static int measure_size(struct session *sessions, unsigned int n, uint64_t bytes)
{
	static struct turn turn;
	const struct args *args = sessions->args;
	size_t block = buffers_block(sessions->buffers, bytes);

	if (warm(sessions, n, block) || repeat(sessions, n, block, &turn))
		return -1;
	for (unsigned int p = 0; p < n; p++) {
		struct result *result = &turn.results[p];

		*result = (struct result){ .bytes = buffers_bytes(sessions->buffers, block),
					   .count = block };
		if (check(&sessions[p], block, result) ||
		    session_account(&sessions[p], result, turn.costs[p], args->repeat, args->iters))
			return -1;
	}
	return 0;
}

/* Out of place, in place too where that is asked for, and the table's lines. */
static int run_places(struct session *sessions, unsigned int n, uint64_t bytes,
		      int (*measure)(struct session *sessions, unsigned int n, uint64_t bytes))
{
	struct buffers *buffers = sessions->buffers;
	int ret;

	buffers->in_place = false;
	ret = measure(sessions, n, bytes);
	if (!ret && sessions->args->in_place) {
		buffers->in_place = true;
		ret = measure(sessions, n, bytes);
	}
	if (!ret)
		print(sessions, n);
	return ret;
}

static int run_sizes(struct session *sessions, unsigned int n)
{
	const struct args *args = sessions->args;

	for (uint64_t bytes = args->min_bytes; bytes <= args->max_bytes;
	     bytes = args->factor ? bytes * args->factor : bytes + args->step_bytes)
		if (run_places(sessions, n, bytes, measure_size))
			return -1;
	return 0;
}

static void add_cost(struct cost *sum, const struct cost *cost)
{
	sum->seconds += cost->seconds;
	sum->cpu += cost->cpu;
	sum->retransmits += cost->retransmits;
}

/* The one line of the table then holds means over all sizes; @bytes has no meaning. */
static int measure_random(struct session *sessions, unsigned int n, uint64_t bytes)
{
	const struct args *args = sessions->args;
	struct result results[PLUGINS_MAX] = { 0 };
	struct cost sums[PLUGINS_MAX] = { 0 }, cost;
	uint64_t state = args->seed, blocks = 0;	/* the same sizes wherever the buffers are */

	for (unsigned int i = 0; i < args->random; i++) {
		size_t block;

		bytes = random_size(&state, args->min_bytes, args->max_bytes);
		block = buffers_block(sessions->buffers, bytes);

		for (unsigned int p = 0; p < n; p++) {
			if (session_check(&sessions[p], block, &results[p], &cost))
				return -1;
			add_cost(&sums[p], &cost);
		}
		blocks += block;
	}
	for (unsigned int p = 0; p < n; p++) {
		results[p].count = blocks / args->random;
		results[p].bytes = buffers_bytes(sessions->buffers, results[p].count);
		if (session_account(&sessions[p], &results[p], &sums[p], 1, args->random))
			return -1;
	}
	return 0;
}

static int print_differences(const struct session *session)
{
	const struct ranks *ranks = &session->ranks;

	if (ranks->facts && differences_print(stdout, ranks->facts, ranks->hosts, ranks->n))
		return fail(session->failure, "out of memory");
	return 0;
}

/* By all ranks; rank 0 prints. */
static int print_header(struct session *sessions, unsigned int n)
{
	bool prints = sessions->buffers->rank == 0;

	if (prints)
		table_header(&sessions[0].comm);
	for (unsigned int p = 0; p < n; p++) {
		if (prints)
			table_plugin(&sessions[p].comm, n > 1 ? sessions[p].plugin->text : NULL);
		if (session_show_ranks(&sessions[p]) || print_differences(&sessions[p]))
			return -1;
	}
	if (prints)
		table_columns(&sessions[0].comm, n > 1);
	return 0;
}

int turns_run(struct session *sessions, unsigned int n)
{
	if (print_header(sessions, n))
		return -1;
	return sessions->args->random ? run_places(sessions, n, 0, measure_random)
				      : run_sizes(sessions, n);
}

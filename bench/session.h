/* SPDX-License-Identifier: BSD-3-Clause */
/* One plugin of a rank, from its load to the sums over all ranks. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "buffers.h"
#include "comm.h"
#include "ranks.h"
#include "result.h"

/* Its calls are for the main thread, which alone speaks MPI. */
struct session {
	const struct plugin_spec *plugin;
	const struct args *args;
	struct buffers *buffers;
	const struct local *local;
	struct failure *failure;
	struct net net;
	struct comm comm;
	struct worker service, progress;
	struct results out_of_place, in_place;
	struct totals totals;		/* of this rank; session_sum makes them those of all */
	struct facts facts;		/* of this rank */
	struct ranks ranks;		/* on rank 0 */
	bool live;			/* tell on the terminal how far runs are */
	char metrics_dir[64];		/* of the plugin's counters; ours, or "" when the user has one */
	const char *metrics;		/* the one or the other */
};

/* What timed runs cost this rank. */
struct cost {
	double seconds, cpu;
	uint64_t retransmits;
};

/* Each returns 0, or -1 with the failure set. */
int session_open(struct session *session);
/* A line for each rank, printed by rank 0. */
int session_show_ranks(struct session *session);
/* @iters runs that nobody times, on what the buffers hold. */
int session_warm(struct session *session, size_t block, unsigned int iters);
/* The timed runs, from all ranks' common beginning. */
int session_time(struct session *session, size_t block, struct cost *cost);
/* One run on new data, looked at on every rank. Adds to @result the wrong elements of all ranks. */
int session_check(struct session *session, size_t block, struct result *result, struct cost *cost);
/*
 * Puts medians of @repeats into @result, of @iters runs each: the ranks' mean of the time, all ranks' CPU time;
 * all ranks' retransmits; and keeps it.
 */
int session_account(struct session *session, struct result *result, const struct cost *costs,
		    unsigned int repeats, unsigned int iters);
/* Those of where the buffers have data and result now. */
struct results *session_results(struct session *session);
int session_close(struct session *session);
/* Sums the totals over all ranks. */
void session_sum(struct session *session);
/* Removes the folder of the plugin's counters. */
void session_clean(struct session *session);
/* The same, the plugin, and all that was found. */
void session_free(struct session *session);

#endif

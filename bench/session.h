/* SPDX-License-Identifier: BSD-3-Clause */
/* A rank's whole run, from the plugin's load to the sums over all ranks. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "comm.h"
#include "ranks.h"
#include "result.h"

#define RESULT_GUARD 64	/* bytes after the result that must stay as they were */

/* Its calls are for the main thread, which alone speaks MPI. */
struct session {
	struct args args;
	struct failure failure;
	struct net net;
	struct comm comm;
	struct worker service, progress;
	struct devmem_mem *src, *dst;	/* the user's buffers */
	uint8_t *shadow;		/* of one of them, where the CPU does not reach it, or NULL */
	uint32_t round;			/* of the data pattern; new for every check */
	struct result *results;
	unsigned int n_results;
	struct totals totals;		/* of this rank; session_sum makes them those of all */
	struct facts facts;		/* of this rank */
	struct ranks ranks;		/* on rank 0 */
	char metrics_dir[64];		/* ours, or "" when the user has one */
};

/* Each returns 0, or -1 with the failure set. */
int session_open(struct session *session, int rank, int ranks);
int session_run(struct session *session);
int session_close(struct session *session);
/* Sums the totals over all ranks. */
void session_sum(struct session *session);
/* Removes the folder of the plugin's counters. */
void session_clean(struct session *session);
/* The same, and all that was found. */
void session_free(struct session *session);

#endif

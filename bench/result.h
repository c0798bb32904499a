/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run found: one line for each size, and the sums over all ranks; as text. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include "comm.h"
#include "metrics.h"

struct result {
	uint64_t bytes, count;	/* as nccl-tests: of the larger buffer, and elements of a block */
	double seconds;		/* for one run: the ranks' mean */
	double cpu_seconds;	/* for one run: all ranks together */
	uint64_t wrong;		/* elements and bytes beyond the result, over all ranks */
	bool checked;
	uint64_t retransmits;	/* TCP segments that all ranks sent again during the timed runs */
};

/* By size, as they were measured. */
struct results {
	struct result *list;
	unsigned int n;
};

struct totals {
	uint64_t runs;				/* those for warm-up and for checks included */
	uint64_t checks;			/* those whose result was checked */
	uint64_t wrong;
	uint64_t messages, empty_messages;	/* given to isend by all ranks, likewise */
	uint64_t bytes_sent, bytes_received;
	uint64_t flushes;
	uint64_t timed_bytes;			/* that a collective of these sizes sends, of the timed runs */
	uint64_t retransmits;			/* of the timed runs */
	double wall_seconds;			/* of the timed runs: the slowest rank's */
	double cpu_seconds;			/* of the same: all ranks' */
	struct metrics metrics;			/* over all ranks */
};

/* As nccl-tests counts them. In GB/s. */
double result_algbw(const struct result *result);
double result_busbw(const struct result *result, const struct comm *comm);

/* The lines before the table. @label is the plugin's where there are several, else NULL. */
void table_header(const struct comm *comm);
void table_plugin(const struct comm *comm, const char *label);
void table_columns(const struct comm *comm, bool labels);
/* @in_place is NULL where it was not measured. */
void table_line(const struct result *result, const struct result *in_place, const struct comm *comm,
		const char *label);
/* @result as multiples of the first plugin's. */
void table_ratio(const struct result *result, const struct result *first);
void table_end(const struct comm *comm, const struct results *out_of_place,
	       const struct results *in_place, const struct totals *totals, const char *label);

#endif

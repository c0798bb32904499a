/* SPDX-License-Identifier: BSD-3-Clause */
/* The progress thread's job: some all-reduces in a row, the kernels and proxies of all channels turn by turn. */
#ifndef BENCH_REDUCE_H
#define BENCH_REDUCE_H

#include "comm.h"

struct reduce {
	struct comm *comm;
	const void *src;
	void *dst;
	size_t count;			/* elements */
	unsigned int iters;
	double seconds; /* out: until the last kernel was done, as a stream's synchronisation would see it */
	double cpu_seconds;		/* out: user and system time of the process meanwhile */
};

/* Takes a struct reduce. Comes back when the proxies are done as well. */
int reduce_run(void *reduce);

#endif

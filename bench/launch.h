/* SPDX-License-Identifier: BSD-3-Clause */
/* The progress thread's job: a collective some times in a row, the kernels and proxies of all links turn by turn. */
#ifndef BENCH_LAUNCH_H
#define BENCH_LAUNCH_H

#include "comm.h"

struct launch {
	struct comm *comm;
	const void *src;
	void *dst;
	size_t block;			/* elements, as struct work has it */
	unsigned int iters;
	_Atomic unsigned int *done;	/* out: runs so far, for another thread; NULL: nobody asks */
	double seconds; /* out: until the last kernel was done, as a stream's synchronisation would see it */
	double cpu_seconds;		/* out: user and system time of the process meanwhile */
};

/* Takes a struct launch. Comes back when the proxies are done as well. */
int launch_run(void *launch);

#endif

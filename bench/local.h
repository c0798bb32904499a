/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rank is on its host: its number there, and the GPU that goes with it. */
#ifndef BENCH_LOCAL_H
#define BENCH_LOCAL_H

#include "args.h"
#include "failure.h"
#include "gpu.h"

struct local {
	int rank;	/* among the ranks of this host */
	struct gpu gpu;	/* where memory is of kind cuda; current in the main thread */
};

/* 0, or -1 with the failure set. @rank is that of all ranks. */
int local_open(struct local *local, const struct args *args, int rank, struct failure *failure);
void local_close(struct local *local);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* All ranks as rank 0 sees them: their hosts, and their facts where these are not all the same. */
#ifndef BENCH_RANKS_H
#define BENCH_RANKS_H

#include "facts.h"

struct ranks {
	unsigned int n;
	const char **hosts;	/* by rank */
	struct facts *facts;	/* by rank; NULL: all ranks have rank 0's */
	char *names, *texts;	/* what they point to */
};

/* Over MPI_COMM_WORLD, on all ranks; rank 0 gets @ranks. 0, or -ENOMEM on any rank. */
int ranks_gather(struct ranks *ranks, const struct facts *own);
void ranks_free(struct ranks *ranks);

#endif

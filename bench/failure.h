/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a rank cannot go on: one sentence, kept where it happened and printed once by the main thread. */
#ifndef BENCH_FAILURE_H
#define BENCH_FAILURE_H

#include "nccl/net.h"

struct failure {
	char text[1024];	/* "" while nothing failed */
};

/* Keeps the first sentence; returns -1 so that callers can write: return fail(failure, "..."). */
int fail(struct failure *failure, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *result_name(ncclResult_t result);

#endif

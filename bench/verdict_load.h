/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the figures of a run from the files that it left. */
#ifndef BENCH_VERDICT_LOAD_H
#define BENCH_VERDICT_LOAD_H

#include "failure.h"
#include "verdict.h"

/* Reads what a collective wrote with --json. 0, or -1 with the reason. */
int verdict_load_json(const char *path, struct run_figures *run, struct failure *failure);
/* Adds what one host's NIC counters grew by from @before to @after, two files of `ethtool -S`. */
int verdict_load_nic(const char *before, const char *after, struct run_figures *run,
		     struct failure *failure);

#endif

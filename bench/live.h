/* SPDX-License-Identifier: BSD-3-Clause */
/* A line on the terminal that tells how far a run is; gone when the run is over, and never in a log. */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What the line tells of; another thread counts @done. */
struct live {
	const char *what;	/* "warm-up", "run", "check" */
	const char *label;	/* of the plugin, or NULL */
	uint64_t bytes;		/* of a run */
	unsigned int runs;
	_Atomic unsigned int done;
	uint64_t begin;		/* ns */
};

/* Whether somebody reads what this process writes to standard error: a terminal, be it by way of mpirun. */
bool live_wanted(void);
/* Writes the line over the last one. Takes a struct live. */
void live_show(void *live);
void live_erase(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What must be true of a run over device memory TCP, of one over plain TCP, and of both networks' counters. */
#ifndef BENCH_VERDICT_H
#define BENCH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "metrics.h"

/* The kernel's counters of a NIC, or what they grew by. */
struct nic_counters {
	uint64_t rx_devmem, tx_devmem;	/* payload written to, read from device memory; repeats count */
	uint64_t rx_linear;		/* bytes left with the headers on a bound queue */
	uint64_t drops;			/* packets, both directions */
};

struct run_figures {
	bool sizes;			/* the run went through sizes in order: expected is known */
	uint64_t expected;		/* payload bytes that these sizes take, over all ranks */
	uint64_t checks, wrong;
	uint64_t messages;		/* given to isend */
	uint64_t bytes_sent, bytes_received;	/* through isend, through irecv */
	struct metrics metrics;		/* the plugin's counters */
	bool has_nic;
	struct nic_counters nic;	/* growth over all hosts */
	double wall_seconds, cpu_seconds;
};

/* Adds up `ethtool -S`: counters of all queues. False when there is none of ours. */
bool nic_counters_parse(char *text, struct nic_counters *counters);

/* Each writes a line to @out for everything that is not as it must be, and returns the number of lines. */
unsigned int verdict_devmem(const struct run_figures *run, FILE *out);
unsigned int verdict_plain(const struct run_figures *run, FILE *out);

#endif

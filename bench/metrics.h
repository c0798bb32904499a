/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin's own counters, as it leaves them in Prometheus' text form. */
#ifndef BENCH_METRICS_H
#define BENCH_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric {
	METRIC_RX_DEVICE,
	METRIC_RX_LINEAR,
	METRIC_RX_PLAIN,
	METRIC_TX_DEVICE,
	METRIC_TX_COPIED,
	METRIC_TX_STAGED,
	METRIC_PLACED,
	METRIC_UNPACKED,
	METRIC_TOKENS_TAKEN,
	METRIC_TOKENS_RETURNED,
	METRIC_SENDS,
	METRIC_RECVS,
	METRIC_COUNT,
};

struct metrics {
	bool present;			/* there was a file */
	uint64_t values[METRIC_COUNT];
};

/* A short name for tables and JSON: rx_device, tokens_taken, ... */
const char *metric_name(enum metric metric);
/* Adds every sample in @text that is one of ours. False when a line is no sample and no comment. */
bool metrics_parse(char *text, struct metrics *metrics);
/* Reads @dir/devmem-<pid>.prom of this process; no file leaves present false. False when it cannot be understood. */
bool metrics_read(const char *dir, struct metrics *metrics);

#endif

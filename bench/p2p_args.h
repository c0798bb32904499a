/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asks of p2p. */
#ifndef BENCH_P2P_ARGS_H
#define BENCH_P2P_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "devmem.h"
#include "plugin_spec.h"

#define MAX_LIST 16
#define MAX_REPS 101
#define MAX_CONNECT 4096

enum exit_status { EXIT_WRONG_DATA = 1, EXIT_USAGE = 2, EXIT_FAILED = 3 };

struct options {
	struct plugin_spec plugins[PLUGINS_MAX];
	uint64_t sizes[MAX_LIST], channels[MAX_LIST];
	unsigned int n_plugins, n_sizes, n_channels;
	unsigned int depth, reps, latency, timeout;
	uint64_t volume; /* bytes of a timed run, all channels together */
	bool both;
	unsigned int connect; /* connections of each direction, and nothing else; 0: messages */
	enum devmem_mem_kind memory;
	const char *nic;  /* whose hw_ns is shown, with commas; NULL: none's */
	const char *json; /* a file for the results; NULL: none */
};

/* Ends the process, with what is wrong and EXIT_USAGE, or with the help that was asked for. */
void options_parse(int argc, char **argv, struct options *o);
void options_free(struct options *o);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asks of scale. */
#ifndef BENCH_SCALE_ARGS_H
#define BENCH_SCALE_ARGS_H

#include <stdbool.h>

#include "scale.h"

#define SCALE_MAX_FILES 32u

enum scale_exit { SCALE_EXIT_USAGE = 2, SCALE_EXIT_FAILED = 3 };

struct scale_options {
	struct scale_system system; /* costs: as given, NAN where not */
	struct scale_bounds bounds;
	const char *files[SCALE_MAX_FILES]; /* of p2p --json */
	unsigned int n_files;
	const char *connect; /* of p2p --connect --json; NULL: none */
	bool guessed;	     /* costs.connect_s is neither measured nor given */
	const char *plugin;  /* a part of the name of the one whose costs count */
	const char *json;    /* a file for the figures; NULL: none */
	bool table;	     /* several sizes side by side */
};

/* Ends the process, with what is wrong and SCALE_EXIT_USAGE, or with the help that was asked for.
 */
void scale_options_parse(int argc, char **argv, struct scale_options *options);

#endif

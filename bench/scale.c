// SPDX-License-Identifier: BSD-3-Clause
/* scale: predicts NCCL over this plugin at sizes that nobody has here. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scale_report.h"

#define GUESSED_CONNECT_S 1e-3

static void give_up(const char *text)
{
	fprintf(stderr, "scale: %s\n", text);
	exit(SCALE_EXIT_FAILED);
}

static int fit_files(const struct scale_options *o, struct fit *fit, struct failure *failure)
{
	static struct fit_point points[FIT_MAX_POINTS];
	unsigned int n = 0;

	for (unsigned int i = 0; i < o->n_files; i++)
		if (costs_read(o->files[i], o->plugin, points, &n, failure))
			return -1;
	if (fit_line(points, n, fit))
		return fail(failure,
			    "%u results of one channel of plugins named '%s' have fewer than two "
			    "sizes: run p2p --channels 1 --size 512,64K,1M --json FILE",
			    n, o->plugin);
	return 0;
}

/* What the user gave stands before what was measured. */
static int calibrate(struct scale_options *o, struct fit *fit, struct failure *failure)
{
	struct scale_costs *costs = &o->system.costs;

	if (o->n_files && fit_files(o, fit, failure))
		return -1;
	if (isnan(costs->message_s))
		costs->message_s = fit->message_s;
	if (isnan(costs->byte_s))
		costs->byte_s = fit->byte_s;
	if (isnan(costs->connect_s) && o->connect)
		return costs_read_connect(o->connect, &costs->connect_s, failure);
	o->guessed = isnan(costs->connect_s);
	if (o->guessed)
		costs->connect_s = GUESSED_CONNECT_S;
	return 0;
}

int main(int argc, char **argv)
{
	static struct failure failure;
	struct scale_options options;
	struct fit fit = {0};
	int ret;

	scale_options_parse(argc, argv, &options);
	if (calibrate(&options, &fit, &failure))
		give_up(failure.text);
	report_costs(&options, &fit);
	ret = options.table ? report_table(&options) : report_one(&options);
	if (ret || fflush(stdout))
		fail(&failure, "cannot print the tables: %s", strerror(ret ? -ret : errno));
	ret = options.json && !failure.text[0] ? report_json(&options, &fit) : 0;
	if (ret)
		fail(&failure, "cannot write the figures to --json %s: %s", options.json,
		     strerror(-ret));
	if (failure.text[0])
		give_up(failure.text);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A line through measured times of messages, and the files that they come from. */
#ifndef BENCH_SCALE_FIT_H
#define BENCH_SCALE_FIT_H

#ifdef __cplusplus
extern "C" {
#endif

#include "failure.h"

struct fit_point {
	double bytes, seconds; /* of one message */
};

struct fit {
	double message_s, byte_s; /* seconds = message_s + byte_s * bytes; neither is negative */
	double noise;		  /* root mean square of the residuals, as a share of the times */
	double worst;		  /* the largest of them */
	unsigned int points;
};

/*
 * Least squares of the residuals relative to each time, since times of 8 bytes and of 4 MiB differ
 * a thousandfold. 0, or -EINVAL with fewer than two sizes or a time that is not above 0.
 */
int fit_line(const struct fit_point *points, unsigned int n, struct fit *fit);

#define FIT_MAX_POINTS 1024u

/*
 * scale_costs.c: appends the points of @plugin (a part of its name) with one channel from @path,
 * written by p2p --json, to the *@n in @points. 0, or -1 with the failure set.
 */
int costs_read(const char *path, const char *plugin, struct fit_point points[FIT_MAX_POINTS],
	       unsigned int *n, struct failure *failure);
/* Seconds for each connection, from @path, written by p2p --connect --json. 0, or -1. */
int costs_read_connect(const char *path, double *seconds, struct failure *failure);

#ifdef __cplusplus
}
#endif

#endif

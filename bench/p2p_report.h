/* SPDX-License-Identifier: BSD-3-Clause */
/* The results of p2p as JSON. */
#ifndef BENCH_P2P_REPORT_H
#define BENCH_P2P_REPORT_H

#include "p2p.h"
#include "p2p_args.h"

/* Medians over the repetitions of one point. */
struct p2p_result {
	double gbs;	/* 1e9 bytes a second */
	double cpu;	/* seconds of both ranks for each GB */
	double seconds; /* wall clock, for each GB */
	double nic;	/* of these, seconds for each GB in which --nic did hardware's work */
	uint64_t wrong; /* bytes */
};

struct p2p_report;

/* NULL when out of memory, which the other calls take. */
struct p2p_report *p2p_report_new(const struct options *o);
void p2p_report_point(struct p2p_report *report, const struct p2p_shape *shape, const char *plugin,
		      const struct p2p_result *result);
/* Half round trips of 8 bytes: @microseconds that @permilles of 1,000 do not exceed, @n of them. */
void p2p_report_latency(struct p2p_report *report, const char *plugin,
			const unsigned int *permilles, const double *microseconds, size_t n);
/* Writes the report to @path and frees it: 0 or -errno. */
int p2p_report_write(struct p2p_report *report, const char *path);

/* Writes how many connections were set up, and how long it took, to @path: 0 or -errno. */
int p2p_report_connections(const char *path, unsigned int connections, double seconds);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* How long 8 bytes take between two ranks, by plugin. */
#include "p2p_latency.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "p2p_measure.h"
#include "percentile.h"

/* What a picture of the distribution needs; the table shows three of them. */
static const unsigned int permilles[] = {10, 50, 100, 250, 500, 750, 900, 950, 990, 999};
#define N_PERMILLES (sizeof(permilles) / sizeof(permilles[0]))

static double half_trips[MAX_LIST][N_PERMILLES][MAX_REPS]; /* microseconds */

static void run(struct p2p_link *link, unsigned int n, uint64_t *ns)
{
	MPI_Barrier(MPI_COMM_WORLD);
	if (p2p_pingpong(link, 8, n, ns))
		give_up(link->rank, link->failure);
	sort_u64(ns, n);
}

static void print(const char *plugin, const double *microseconds)
{
	for (unsigned int q = 0; q < N_PERMILLES; q++)
		if (permilles[q] == 500 || permilles[q] >= 990)
			printf("%9.2f ", microseconds[q]);
	printf(" %s\n", plugin);
}

static void tell(const struct options *o, struct p2p_report *report)
{
	double medians[N_PERMILLES];

	printf("# half round trip of 8 bytes, microseconds\n#%8s %9s %9s\n", "p50", "p99", "p99.9");
	for (unsigned int p = 0; p < o->n_plugins; p++) {
		for (unsigned int q = 0; q < N_PERMILLES; q++)
			medians[q] = median(half_trips[p][q], o->reps);
		print(o->plugins[p], medians);
		p2p_report_latency(report, o->plugins[p], permilles, medians, N_PERMILLES);
	}
}

void p2p_latency(struct p2p_link *links, const struct options *o, struct p2p_report *report)
{
	uint64_t *ns = calloc(o->latency, sizeof(*ns));

	for (unsigned int r = 0; r <= o->reps && ns; r++) {
		for (unsigned int p = 0; p < o->n_plugins; p++) {
			run(&links[p], o->latency, ns);
			/* The first round warms up. */
			for (unsigned int q = 0; q < N_PERMILLES && r; q++)
				half_trips[p][q][r - 1] =
					(double)percentile(ns, o->latency, permilles[q]) / 1e3;
		}
	}
	free(ns);
	if (!links[0].rank)
		tell(o, report);
}

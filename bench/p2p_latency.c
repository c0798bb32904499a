// SPDX-License-Identifier: BSD-3-Clause
/* The latency of plugins in turns. */
#include "p2p_latency.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "p2p_measure.h"
#include "percentile.h"

#define MESSAGE 8	/* bytes */

static const unsigned int permille[P2P_PERCENTILES] = P2P_PERMILLE;

/* Microseconds, by plugin, percentile and repetition. */
static double values[PLUGINS_MAX][P2P_PERCENTILES][MAX_REPS];

/* One repetition with each plugin. */
static void turn(struct p2p_link *links, const struct options *o, uint64_t *ns, unsigned int rep)
{
	for (unsigned int p = 0; p < o->n_plugins; p++) {
		MPI_Barrier(MPI_COMM_WORLD);
		if (p2p_pingpong(&links[p], MESSAGE, o->latency, ns))
			give_up(links[p].rank, links[p].failure);
		sort_u64(ns, o->latency);
		for (unsigned int q = 0; q < P2P_PERCENTILES; q++)
			values[p][q][rep] = (double)percentile(ns, o->latency, permille[q]) / 1e3;
	}
}

/* Each percentile's median over the repetitions. */
static struct p2p_latencies latencies_of(unsigned int plugin, unsigned int reps)
{
	struct p2p_latencies latencies;

	for (unsigned int q = 0; q < P2P_PERCENTILES; q++)
		latencies.us[q] = median(values[plugin][q], reps);
	return latencies;
}

static void tell(const struct options *o, struct p2p_report *report)
{
	printf("# half round trip of %d bytes, microseconds\n#%8s %9s %9s\n", MESSAGE, "p50", "p99",
	       "p99.9");
	for (unsigned int p = 0; p < o->n_plugins; p++) {
		const struct p2p_latencies latencies = latencies_of(p, o->reps);

		printf("%9.2f %9.2f %9.2f  %s\n", p2p_latency_at(&latencies, 500),
		       p2p_latency_at(&latencies, 990), p2p_latency_at(&latencies, 999),
		       o->plugins[p].text);
		p2p_report_latency(report, MESSAGE, o->latency, o->plugins[p].text, &latencies);
	}
}

void p2p_latency(struct p2p_link *links, const struct options *o, struct p2p_report *report)
{
	uint64_t *ns = calloc(o->latency, sizeof(*ns));

	if (!ns) {
		fail(links[0].failure, "out of memory: --latency %u", o->latency);
		give_up(links[0].rank, links[0].failure);
	}
	turn(links, o, ns, 0);	/* warms up: the next overwrites it */
	for (unsigned int r = 0; r < o->reps; r++)
		turn(links, o, ns, r);
	free(ns);
	if (links[0].rank == 0)
		tell(o, report);
}

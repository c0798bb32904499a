// SPDX-License-Identifier: BSD-3-Clause
/* Measures plugins in turns, and prints medians and ratios. */
#include "p2p_measure.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "percentile.h"
#include "worker.h"

/* What one repetition cost: of both ranks. */
struct cost {
	double seconds, cpu;
};

void give_up(int rank, const struct failure *failure)
{
	fprintf(stderr, "p2p: rank %d: %s\n", rank, failure->text);
	fflush(stdout);
	MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
	_exit(EXIT_FAILED);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The time of the slower rank, the CPU time of both. Waiting in MPI is left out: a rank that is
 * done is not counted on. */
static struct cost timed(struct p2p_link *link, const struct p2p_shape *shape,
			 unsigned int messages)
{
	struct cost mine, all;
	uint64_t begin, wrong = 0;

	MPI_Barrier(MPI_COMM_WORLD);
	mine.cpu = -cpu_seconds();
	begin = now_ns();
	if (p2p_stream(link, shape, messages, false, &wrong))
		give_up(link->rank, link->failure);
	mine.seconds = (double)(now_ns() - begin) / 1e9;
	mine.cpu += cpu_seconds();
	MPI_Allreduce(&mine.seconds, &all.seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	MPI_Allreduce(&mine.cpu, &all.cpu, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	return all;
}

static uint64_t verified(struct p2p_link *link, const struct p2p_shape *shape)
{
	uint64_t wrong = 0, all = 0;

	if (p2p_stream(link, shape, 2 * shape->depth + 1, true, &wrong))
		give_up(link->rank, link->failure);
	MPI_Allreduce(&wrong, &all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	return all;
}

static void point_row(const struct p2p_shape *shape, const char *name, double gbs, double cpu,
		      uint64_t wrong)
{
	printf("%10zu %8u %5u %9.3f %9.3f %6lu  %s\n", shape->bytes, shape->channels, shape->depth,
	       gbs, cpu, wrong, name);
}

/* One size and number of channels with each plugin, repetitions in turns. */
static uint64_t point(struct p2p_link *links, const struct options *o,
		      const struct p2p_shape *shape)
{
	static double gbs[MAX_LIST][MAX_REPS], cpu[MAX_LIST][MAX_REPS];
	unsigned int messages = (unsigned int)(o->volume / shape->bytes / shape->channels);
	uint64_t wrong[MAX_LIST], sum = 0;
	double first_gbs = 0, first_cpu = 0, gb;

	messages = messages ? messages : 1;
	gb = (double)messages * (double)shape->bytes * shape->channels * (shape->both ? 2 : 1) /
	     1e9;
	for (unsigned int p = 0; p < o->n_plugins; p++)
		sum += wrong[p] = verified(&links[p], shape);
	for (unsigned int r = 0; r < o->reps; r++) {
		for (unsigned int p = 0; p < o->n_plugins; p++) {
			struct cost cost = timed(&links[p], shape, messages);

			gbs[p][r] = gb / cost.seconds;
			cpu[p][r] = cost.cpu / gb;
		}
	}
	for (unsigned int p = 0; p < o->n_plugins && links[0].rank == 0; p++) {
		double g = median(gbs[p], o->reps), c = median(cpu[p], o->reps);

		point_row(shape, o->plugins[p], g, c, wrong[p]);
		if (p == 0) {
			first_gbs = g;
			first_cpu = c;
		} else {
			printf("#    bandwidth x%.2f, CPU per GB x%.2f of the first plugin's\n",
			       g / first_gbs, c / first_cpu);
		}
		fflush(stdout);
	}
	return sum;
}

static void latency(struct p2p_link *links, const struct options *o)
{
	static double values[MAX_LIST][3][MAX_REPS];
	static const unsigned int permille[] = {500, 990, 999};
	uint64_t *ns = calloc(o->latency, sizeof(*ns));

	for (unsigned int r = 0; r <= o->reps && ns; r++) {
		for (unsigned int p = 0; p < o->n_plugins; p++) {
			MPI_Barrier(MPI_COMM_WORLD);
			if (p2p_pingpong(&links[p], 8, o->latency, ns))
				give_up(links[p].rank, links[p].failure);
			sort_u64(ns, o->latency);
			/* The first round warms up. */
			for (unsigned int q = 0; q < 3 && r; q++)
				values[p][q][r - 1] =
					(double)percentile(ns, o->latency, permille[q]) / 1e3;
		}
	}
	free(ns);
	if (links[0].rank)
		return;
	printf("# half round trip of 8 bytes, microseconds\n#%8s %9s %9s\n", "p50", "p99", "p99.9");
	for (unsigned int p = 0; p < o->n_plugins; p++)
		printf("%9.2f %9.2f %9.2f  %s\n", median(values[p][0], o->reps),
		       median(values[p][1], o->reps), median(values[p][2], o->reps), o->plugins[p]);
}

uint64_t measure(struct p2p_link *links, const struct options *o)
{
	uint64_t wrong = 0;

	if (o->latency)
		latency(links, o);
	if (links[0].rank == 0)
		printf("# CPU: user and system seconds of both ranks for each GB (1e9 bytes) "
		       "moved; median of %u\n"
		       "#%9s %8s %5s %9s %9s %6s  %s\n",
		       o->reps, "bytes", "channels", "depth", "GB/s", "CPU s/GB", "wrong",
		       "plugin");
	for (unsigned int c = 0; c < o->n_channels; c++) {
		for (unsigned int s = 0; s < o->n_sizes; s++) {
			struct p2p_shape shape = {o->sizes[s], o->depth,
						  (unsigned int)o->channels[c], o->both};

			wrong += point(links, o, &shape);
		}
	}
	return wrong;
}

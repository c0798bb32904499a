// SPDX-License-Identifier: BSD-3-Clause
/* Measures plugins in turns, and prints medians and ratios. */
#include "p2p_measure.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "nic_hw.h"
#include "p2p_latency.h"
#include "p2p_report.h"
#include "percentile.h"
#include "worker.h"

/* What one repetition cost: of both ranks. */
struct cost {
	double seconds, cpu;
	double nic; /* seconds of both ranks' NICs */
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

/* Of all @nics, which are names with commas. */
static double nic_seconds(struct p2p_link *link, const char *nics)
{
	char *copy = strdup(nics ? nics : ""), *rest = copy, *nic;
	uint64_t ns = 0, sum = 0;

	while (nics && (nic = strsep(&rest, ","))) {
		int ret = nic_hw_ns(nic, &ns);

		if (ret) {
			fail(link->failure,
			     "--nic %s: %s; give an interface of this host with counters *_hw_ns, "
			     "as dmnic has (ethtool -S %s)",
			     nic, strerror(-ret), nic);
			give_up(link->rank, link->failure);
		}
		sum += ns;
	}
	free(copy);
	return (double)sum / 1e9;
}

/* The time of the slower rank, the CPU time of both. Waiting in MPI is left out: a rank that is
 * done is not counted on. */
static struct cost timed(struct p2p_link *link, const struct p2p_shape *shape,
			 unsigned int messages, const char *nic)
{
	struct cost mine, all;
	uint64_t begin, wrong = 0;

	mine.nic = -nic_seconds(link, nic);
	MPI_Barrier(MPI_COMM_WORLD);
	mine.cpu = -cpu_seconds();
	begin = now_ns();
	if (p2p_stream(link, shape, messages, false, &wrong))
		give_up(link->rank, link->failure);
	mine.seconds = (double)(now_ns() - begin) / 1e9;
	mine.cpu += cpu_seconds();
	MPI_Barrier(MPI_COMM_WORLD); /* a NIC works for the other rank, too */
	mine.nic += nic_seconds(link, nic);
	MPI_Allreduce(&mine.seconds, &all.seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	MPI_Allreduce(&mine.cpu, &all.cpu, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	MPI_Allreduce(&mine.nic, &all.nic, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
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

static void print_row(const struct p2p_shape *shape, const char *name,
		      const struct p2p_result *result, bool nic)
{
	printf("%10zu %8u %5u %9.3f %9.3f", shape->bytes, shape->channels, shape->depth,
	       result->gbs, result->cpu);
	if (nic)
		printf(" %9.3f", result->nic);
	printf(" %6lu  %s\n", result->wrong, name);
}

static struct p2p_result medians(struct cost *costs, unsigned int n, double gb)
{
	double gbs[MAX_REPS], cpu[MAX_REPS], seconds[MAX_REPS], nic[MAX_REPS];

	for (unsigned int r = 0; r < n; r++) {
		gbs[r] = gb / costs[r].seconds;
		cpu[r] = costs[r].cpu / gb;
		seconds[r] = costs[r].seconds / gb;
		nic[r] = costs[r].nic / gb;
	}
	return (struct p2p_result){.gbs = median(gbs, n),
				   .cpu = median(cpu, n),
				   .seconds = median(seconds, n),
				   .nic = median(nic, n)};
}

static void print_point(const struct options *o, const struct p2p_shape *shape,
			const struct p2p_result *results, struct p2p_report *report)
{
	for (unsigned int p = 0; p < o->n_plugins; p++) {
		print_row(shape, o->plugins[p].text, &results[p], o->nic);
		p2p_report_point(report, shape, o->plugins[p].text, &results[p]);
		if (p)
			printf("#    bandwidth x%.2f, CPU per GB x%.2f of the first plugin's\n",
			       results[p].gbs / results[0].gbs, results[p].cpu / results[0].cpu);
	}
	fflush(stdout);
}

/* One size and number of channels with each plugin, repetitions in turns. */
static uint64_t point(struct p2p_link *links, const struct options *o,
		      const struct p2p_shape *shape, struct p2p_report *report)
{
	static struct cost costs[PLUGINS_MAX][MAX_REPS];
	unsigned int messages = (unsigned int)(o->volume / shape->bytes / shape->channels);
	struct p2p_result results[PLUGINS_MAX];
	uint64_t wrong[PLUGINS_MAX], sum = 0;
	double gb;

	messages = messages ? messages : 1;
	gb = (double)messages * (double)shape->bytes * shape->channels * (shape->both ? 2 : 1) /
	     1e9;
	for (unsigned int p = 0; p < o->n_plugins; p++)
		sum += wrong[p] = verified(&links[p], shape);
	for (unsigned int r = 0; r < o->reps; r++)
		for (unsigned int p = 0; p < o->n_plugins; p++)
			costs[p][r] = timed(&links[p], shape, messages, o->nic);
	for (unsigned int p = 0; p < o->n_plugins; p++) {
		results[p] = medians(costs[p], o->reps, gb);
		results[p].wrong = wrong[p];
	}
	if (links[0].rank == 0)
		print_point(o, shape, results, report);
	return sum;
}

static void print_head(const struct options *o)
{
	printf("# CPU: user and system seconds of both ranks for each GB (1e9 bytes) moved; median "
	       "of %u\n#%9s %8s %5s %9s %9s",
	       o->reps, "bytes", "channels", "depth", "GB/s", "CPU s/GB");
	if (o->nic)
		printf(" %9s", "NIC s/GB");
	printf(" %6s  %s\n", "wrong", "plugin");
}

static void write_report(struct p2p_link *link, struct p2p_report *report, const char *path)
{
	int ret = p2p_report_write(report, path);

	if (!ret)
		return;
	fail(link->failure, "cannot write the results to --json %s: %s", path, strerror(-ret));
	give_up(link->rank, link->failure);
}

uint64_t measure(struct p2p_link *links, const struct options *o)
{
	struct p2p_report *report = NULL;
	bool first = links[0].rank == 0;
	uint64_t wrong = 0;

	if (first && o->json)
		report = p2p_report_new(o);
	if (o->latency)
		p2p_latency(links, o, report);
	if (first)
		print_head(o);
	for (unsigned int c = 0; c < o->n_channels; c++) {
		for (unsigned int s = 0; s < o->n_sizes; s++) {
			struct p2p_shape shape = {o->sizes[s], o->depth,
						  (unsigned int)o->channels[c], o->both};

			wrong += point(links, o, &shape, report);
		}
	}
	if (first && o->json)
		write_report(&links[0], report, o->json);
	return wrong;
}

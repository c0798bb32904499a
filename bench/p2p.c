// SPDX-License-Identifier: BSD-3-Clause
/* p2p: bandwidth, latency and CPU time of one or more net plugins between two MPI ranks. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "p2p_measure.h"
#include "p2p_report.h"

static uint64_t largest(const uint64_t *values, unsigned int n)
{
	uint64_t max = 0;

	for (unsigned int i = 0; i < n; i++)
		max = values[i] > max ? values[i] : max;
	return max;
}

/* A connection takes descriptors: as many as this process may have. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void write_connections(struct p2p_link *link, const struct options *o, double seconds)
{
	int ret = p2p_report_connections(o->json, 2 * o->connect, seconds);

	if (!ret)
		return;
	fail(link->failure, "cannot write the results to --json %s: %s", o->json, strerror(-ret));
	give_up(link->rank, link->failure);
}

static void connect_only(struct p2p_link *link, const struct options *o)
{
	double seconds;

	raise_limit();
	link->channels = o->connect;
	if (p2p_connect(link, &o->plugins[0]))
		give_up(link->rank, link->failure);
	MPI_Allreduce(&link->connected, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	if (link->rank == 0)
		printf("%u connections each way, %u in all, in %.3f s\n", o->connect,
		       2 * o->connect, seconds);
	if (link->rank == 0 && o->json)
		write_connections(link, o, seconds);
	for (int rank = 0; rank < 2 && o->nic; rank++) {
		MPI_Barrier(MPI_COMM_WORLD);
		if (rank == link->rank)
			printf("rank %d: %d steering rules on %s\n", rank,
			       devmem_rule_list(o->nic, NULL, 0, NULL), o->nic);
		fflush(stdout);
	}
	MPI_Barrier(MPI_COMM_WORLD);
	p2p_close(link);
}

static uint64_t measure_all(struct p2p_link *links, const struct options *o)
{
	struct failure *failure = links[0].failure;
	int rank = links[0].rank;
	uint64_t wrong;

	for (unsigned int p = 0; p < o->n_plugins; p++) {
		links[p].slot = largest(o->sizes, o->n_sizes);
		links[p].channels = (unsigned int)largest(o->channels, o->n_channels);
		if (p2p_open(&links[p], &o->plugins[p]))
			give_up(rank, failure);
	}
	wrong = measure(links, o);
	MPI_Barrier(MPI_COMM_WORLD);
	for (unsigned int p = 0; p < o->n_plugins; p++)
		p2p_close(&links[p]);
	return wrong;
}

int main(int argc, char **argv)
{
	static struct p2p_link links[PLUGINS_MAX];
	static struct failure failure;
	struct options o;
	int level, rank, ranks;
	uint64_t wrong = 0;

	options_parse(argc, argv, &o);
	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	net_logger_set_rank(rank);
	if (ranks != 2) {
		fail(&failure, "%d ranks: run it as mpirun -n 2 p2p", ranks);
		give_up(rank, &failure);
	}
	for (unsigned int p = 0; p < o.n_plugins; p++) {
		links[p].rank = rank;
		links[p].depth = o.depth;
		links[p].memory = o.memory;
		links[p].timeout = o.timeout;
		links[p].failure = &failure;
	}
	if (o.connect)
		connect_only(&links[0], &o);
	else
		wrong = measure_all(links, &o);
	options_free(&o);
	MPI_Finalize();
	return wrong ? EXIT_WRONG_DATA : EXIT_SUCCESS;
}

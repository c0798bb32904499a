// SPDX-License-Identifier: BSD-3-Clause
/* MPI's own all-reduce in the place of links and a net plugin: what comm.h and launch.h declare,
 * for the program allreduce_mpi. */
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cputime.h"
#include "launch.h"

static MPI_Datatype datatype(const struct element *element)
{
	if (strcmp(element->name, "float") == 0)
		return MPI_FLOAT;
	return strcmp(element->name, "int32") == 0 ? MPI_INT32_T : MPI_UINT8_T;
}

/* There is none to load. */
int net_load(struct net *net, const char *name, int abi, struct failure *failure)
{
	*net = (struct net){ .copy = -1 };
	if (abi)
		return fail(failure, "--abi is of net plugins, and MPI is none: leave it out");
	return 0;
}

void net_unload(struct net *net)
{
}

static int check_options(const struct comm *comm)
{
	const struct args *args = comm->args;

	if (args->n_plugins > 1)
		return fail(comm->failure, "--plugin is of net plugins, and MPI is none: leave it out");
	if (args->channels != 1)
		return fail(comm->failure,
			    "-C is of net plugins, and MPI has no channels: leave it out");
	if (args->flush != FLUSH_AUTO)
		return fail(comm->failure,
			    "--flush is of net plugins, and MPI is none: leave it out");
	if (args->shape != fifo_shape_find(args->collective->shape))
		return fail(comm->failure,
			    "--proto is of NCCL, and MPI has protocols of its own: leave it out");
	if (args->max_bytes / args->element->size > INT_MAX)
		return fail(comm->failure,
			    "-e is more than the %d elements that MPI_Allreduce takes", INT_MAX);
	return 0;
}

/* The progress thread speaks MPI while the main thread waits for it. */
static int check_threads(const struct comm *comm)
{
	int level;

	MPI_Query_thread(&level);
	if (level < MPI_THREAD_SERIALIZED)
		return fail(comm->failure, "this MPI has no MPI_THREAD_SERIALIZED: take one that "
					   "was built with threads");
	return 0;
}

/* NCCL's sums wrap round, and so do those that are expected here. Open MPI's for vector units do
 * not (open-mpi/ompi#8045). */
static int check_sums(const struct comm *comm)
{
	uint8_t sum[256], other[256];

	if (comm->args->element->size != 1)
		return 0;
	memset(sum, 200, sizeof(sum));
	memset(other, 100, sizeof(other));
	MPI_Reduce_local(other, sum, sizeof(sum), MPI_UINT8_T, MPI_SUM);
	if (sum[0] == (uint8_t)(200 + 100))
		return 0;
	return fail(comm->failure,
		    "this MPI's sums of uint8 end at %d where NCCL's wrap round: mpirun --mca op "
		    "^avx, or another type",
		    sum[0]);
}

/* "Open MPI v4.1.4, package: ..." becomes "Open MPI 4.1.4". */
static void name_library(struct comm *comm)
{
	const char *transports = getenv("OMPI_MCA_btl");
	char text[MPI_MAX_LIBRARY_VERSION_STRING] = "", *version;
	int len;

	MPI_Get_library_version(text, &len);
	text[strcspn(text, ",\n")] = '\0';
	version = strstr(text, " v");
	if (version)
		memmove(version + 1, version + 2, strlen(version + 2) + 1);
	snprintf(comm->plugin_name, sizeof(comm->plugin_name), "%s", text);
	snprintf(comm->device_name, sizeof(comm->device_name), "%s",
		 transports && *transports ? transports : "its choice");
}

/* To an MPI that knows host memory alone, any device's is far, whatever the CPU reaches. */
static int open_far(struct comm *comm)
{
	const struct args *args = comm->args;

	if (args->memory == DEVMEM_MEM_HOST)
		return 0;
	comm->far = (struct far){.exporter = comm->exporter, .first = malloc(args->max_bytes)};
	return comm->far.first ? 0 : fail(comm->failure, "out of memory");
}

int comm_init(struct comm *comm)
{
	if (check_options(comm) || check_threads(comm) || check_sums(comm))
		return -1;
	name_library(comm);
	return open_far(comm);
}

/* MPI_Init made all connections that there are to be, or the first run for warm-up does. */
int comm_exchange_devices(struct comm *comm)
{
	return 0;
}

int comm_listen(void *comm)
{
	return 0;
}

int comm_connect(void *comm)
{
	return 0;
}

int comm_register(void *comm)
{
	return 0;
}

int comm_close(void *comm)
{
	return 0;
}

int comm_finalize(struct comm *comm)
{
	free(comm->far.first);
	return 0;
}

static int copy(const struct comm *comm, struct devmem_copy piece)
{
	int ret = far_copy(comm->exporter, &piece, 1);

	return ret ? fail(comm->failure, "copying %zu bytes of device memory: %s", piece.len,
			  strerror(-ret))
		   : 0;
}

/* To the host, all-reduce there, and back. */
static int reduce_far(const struct launch *launch)
{
	const struct comm *comm = launch->comm;
	const struct element *element = comm->args->element;
	size_t bytes = launch->block * element->size;
	uint8_t *near = comm->far.first;

	if (copy(comm, (struct devmem_copy){near, launch->src, bytes}))
		return -1;
	MPI_Allreduce(MPI_IN_PLACE, near, (int)launch->block, datatype(element), MPI_SUM,
		      MPI_COMM_WORLD);
	return copy(comm, (struct devmem_copy){launch->dst, near, bytes});
}

static int reduce(const struct launch *launch)
{
	if (launch->comm->far.exporter)
		return reduce_far(launch);
	MPI_Allreduce(launch->src == launch->dst ? MPI_IN_PLACE : launch->src, launch->dst,
		      (int)launch->block, datatype(launch->comm->args->element), MPI_SUM,
		      MPI_COMM_WORLD);
	return 0;
}

int launch_run(void *arg)
{
	struct launch *launch = arg;
	double cpu = cputime_now();
	uint64_t start = now_ns();

	for (unsigned int i = 0; i < launch->iters; i++) {
		worker_beat(launch->comm->worker, now_ns());
		if (reduce(launch))
			return -1;
		if (launch->done)
			atomic_fetch_add_explicit(launch->done, 1, memory_order_relaxed);
	}
	launch->seconds = (double)(now_ns() - start) / 1e9;
	launch->cpu_seconds = cputime_now() - cpu;
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Where each rank runs and what it uses there, as lines above the table. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "session.h"

#define LINE 256

static void describe(const struct comm *comm, char *line)
{
	char host[64] = "?", device[96] = "", gpu[32] = "";

	gethostname(host, sizeof(host) - 1);
	if (comm->near_name[0])
		snprintf(device, sizeof(device), ", net device %s", comm->near_name);
	if (comm->local->gpu.ordinal >= 0)
		snprintf(gpu, sizeof(gpu), ", CUDA device %d", comm->local->gpu.ordinal);
	snprintf(line, LINE, "rank %2d on %s: local rank %d%s%s", comm->rank, host,
		 comm->local->rank, device, gpu);
}

int session_show_ranks(struct session *session)
{
	const struct comm *comm = &session->comm;
	char own[LINE], *lines = NULL;

	if (comm->rank == 0 && !(lines = calloc((size_t)comm->ranks, LINE)))
		return fail(session->failure, "out of memory");
	describe(comm, own);
	MPI_Gather(own, LINE, MPI_CHAR, lines, LINE, MPI_CHAR, 0, MPI_COMM_WORLD);
	for (int rank = 0; lines && rank < comm->ranks; rank++)
		printf("#   %s\n", lines + (size_t)rank * LINE);
	free(lines);
	return 0;
}

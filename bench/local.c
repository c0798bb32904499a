// SPDX-License-Identifier: BSD-3-Clause
/* What a rank is on its host, by its launcher's word or by MPI's. */
#include "local.h"

#include <mpi.h>

#include "local_rank.h"

/* Where no launcher tells it, MPI knows who shares this host's memory. */
static int find_rank(int rank, struct failure *failure)
{
	int number = local_rank_of_environment(failure);
	MPI_Comm host;

	if (number < 0 && !failure->text[0]) {
		MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL,
				    &host);
		MPI_Comm_rank(host, &number);
		MPI_Comm_free(&host);
	}
	return number;
}

int local_open(struct local *local, const struct args *args, int rank, struct failure *failure)
{
	*local = (struct local){ .rank = find_rank(rank, failure), .gpu.ordinal = -1 };
	if (local->rank < 0)
		return -1;
	if (args->memory == DEVMEM_MEM_CUDA)
		gpu_choose(&local->gpu, local->rank);
	gpu_use(&local->gpu);
	return 0;
}

void local_close(struct local *local)
{
	gpu_release(&local->gpu);
}

// SPDX-License-Identifier: BSD-3-Clause
/* All ranks as rank 0 sees them, over MPI. */
#include "ranks.h"

#include <errno.h>
#include <mpi.h>
#include <stdlib.h>
#include <unistd.h>

#define HOST 64

static int gather_hosts(struct ranks *ranks, bool first)
{
	char host[HOST] = "";

	gethostname(host, sizeof(host) - 1);
	if (first) {
		ranks->names = calloc(ranks->n, HOST);
		ranks->hosts = calloc(ranks->n, sizeof(*ranks->hosts));
		if (!ranks->names || !ranks->hosts)
			return -ENOMEM;
	}
	MPI_Gather(host, HOST, MPI_CHAR, ranks->names, HOST, MPI_CHAR, 0, MPI_COMM_WORLD);
	for (unsigned int r = 0; first && r < ranks->n; r++)
		ranks->hosts[r] = ranks->names + (size_t)r * HOST;
	return 0;
}

/* The digest and its complement: the least of both are of one rank only where all are alike. */
static bool alike(const struct facts *own)
{
	uint64_t digests[2] = { facts_digest(own), ~facts_digest(own) };

	MPI_Allreduce(MPI_IN_PLACE, digests, 2, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
	return digests[0] == ~digests[1];
}

static int gather_facts(struct ranks *ranks, const struct facts *own, bool first)
{
	int size = (int)own->size, sum = 0;
	int *sizes = calloc(2 * (size_t)ranks->n, sizeof(*sizes)), *places = sizes + ranks->n;
	int ret = -ENOMEM;

	if (!sizes)
		return -ENOMEM;
	MPI_Gather(&size, 1, MPI_INT, sizes, 1, MPI_INT, 0, MPI_COMM_WORLD);
	for (unsigned int r = 0; r < ranks->n; r++) {
		places[r] = sum;
		sum += sizes[r];
	}
	if (first) {
		ranks->texts = malloc((size_t)sum + 1);
		ranks->facts = calloc(ranks->n, sizeof(*ranks->facts));
		if (!ranks->texts || !ranks->facts)
			goto out;
	}
	MPI_Gatherv(own->text, size, MPI_CHAR, ranks->texts, sizes, places, MPI_CHAR, 0,
		    MPI_COMM_WORLD);
	for (unsigned int r = 0; first && r < ranks->n; r++)
		ranks->facts[r] = (struct facts){ .text = ranks->texts + places[r],
						  .size = (size_t)sizes[r] };
	ret = 0;
out:
	free(sizes);
	return ret;
}

int ranks_gather(struct ranks *ranks, const struct facts *own)
{
	int rank, n, ret;

	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &n);
	*ranks = (struct ranks){ .n = (unsigned int)n };
	ret = own->incomplete ? -ENOMEM : gather_hosts(ranks, rank == 0);
	if (!ret && !alike(own))
		ret = gather_facts(ranks, own, rank == 0);
	return ret;
}

void ranks_free(struct ranks *ranks)
{
	free(ranks->hosts);
	free(ranks->facts);
	free(ranks->names);
	free(ranks->texts);
}

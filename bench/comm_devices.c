// SPDX-License-Identifier: BSD-3-Clause
/* Which of the plugin's devices the links of a rank use. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "comm.h"
#include "nearest.h"

static int properties_of(struct comm *comm, unsigned int dev, ncclNetProperties_v12_t *props)
{
	ncclResult_t result = net_call(comm->net, getProperties, (int)dev, props);

	if (result != ncclSuccess)
		return fail(comm->failure, "getProperties of device %u returned %d (%s)", dev,
			    result, result_name(result));
	return 0;
}

static int find_paths(struct comm *comm, const char **paths)
{
	for (unsigned int i = 0; i < (unsigned int)comm->devices; i++) {
		ncclNetProperties_v12_t props = {0};

		if (properties_of(comm, i, &props))
			return -1;
		paths[i] = props.pciPath;
	}
	return 0;
}

static int name_first(struct comm *comm)
{
	ncclNetProperties_v12_t props = {0};

	if (properties_of(comm, comm->near[(unsigned int)comm->local->rank % comm->n_near], &props))
		return -1;
	snprintf(comm->near_name, sizeof(comm->near_name), "%s", props.name ? props.name : "?");
	return 0;
}

int comm_find_near(struct comm *comm)
{
	unsigned int n = (unsigned int)comm->devices;
	const char **paths = calloc(n, sizeof(*paths));
	const char *gpu = comm->local->gpu.pci_path[0] ? comm->local->gpu.pci_path : NULL;
	int ret;

	comm->near = calloc(n, sizeof(*comm->near));
	ret = paths && comm->near ? find_paths(comm, paths) : fail(comm->failure, "out of memory");
	if (!ret) {
		comm->n_near = nearest_nics(paths, n, gpu, comm->near);
		ret = name_first(comm);
	}
	free(paths);
	return ret;
}

/*
 * Both ends of a link use the device of the sender's number, as NCCL's rings stay on one rail: the
 * same network on every host, while that of another number may not be reached from there.
 */
int comm_exchange_devices(struct comm *comm)
{
	for (unsigned int i = 0; i < comm->n_links; i++) {
		struct link *link = &comm->links[i];

		MPI_Sendrecv(&link->send_dev, 1, MPI_INT, link->send.peer, (int)i, &link->recv_dev,
			     1, MPI_INT, link->recv.peer, (int)i, MPI_COMM_WORLD,
			     MPI_STATUS_IGNORE);
		if (link->recv_dev >= comm->devices)
			return fail(comm->failure,
				    "rank %d sends by its net device %d, and this rank has %d: "
				    "choose as many interfaces on every host (NCCL_SOCKET_IFNAME)",
				    link->recv.peer, link->recv_dev, comm->devices);
	}
	return 0;
}

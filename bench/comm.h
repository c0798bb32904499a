/* SPDX-License-Identifier: BSD-3-Clause */
/* One communicator: a rank's place among all ranks, its links and their FIFOs. */
#ifndef BENCH_COMM_H
#define BENCH_COMM_H

#include "args.h"
#include "devmem.h"
#include "kernel.h"
#include "local.h"
#include "net.h"
#include "proxy.h"
#include "worker.h"

/* A connection to a rank, one from a rank, and the kernel that works on both. */
struct link {
	unsigned int channel, distance;	/* as struct work has it */
	int send_dev;			/* the net device that this rank sends by: a near one */
	int recv_dev;			/* and that it receives by: the same network as its sender's */
	void *listener;
	ncclNetDeviceHandle_t device;	/* what the kernel is told of the receiving connection */
	char own_handle[NCCL_NET_HANDLE_MAXSIZE];	/* for the rank that sends to us */
	char peer_handle[NCCL_NET_HANDLE_MAXSIZE];	/* of the rank that we send to; plugins keep state in it */
	struct devmem_mem *send_mem, *recv_mem;
	struct proxy_send send;
	struct proxy_recv recv;
	struct kernel kernel;
};

struct comm {
	int rank, ranks;
	const struct local *local;
	const struct args *args;
	struct net *net;
	void *ctx;
	int devices;
	unsigned int *near, n_near;		/* the devices that are nearest to the rank's memory */
	ncclNetProperties_v12_t props;		/* of device 0 */
	char plugin_name[64], device_name[64];	/* ours, to be shown after the plugin's end */
	char near_name[64];			/* of the first near device, likewise */
	bool device_fifos;			/* FIFOs are in device memory: NCCL's GPUDirect */
	bool by_dmabuf;				/* and registered by their dmabuf */
	struct devmem_exporter *exporter;	/* of the user's buffers, and theirs */
	struct devmem_exporter *fifo_exporter;	/* of the FIFOs: the same, or host memory */
	struct far far;				/* where the CPU does not reach the user's buffers */
	struct link *links;			/* of all channels */
	unsigned int n_links;
	struct worker *worker;			/* on which the calls below run */
	struct failure *failure;
};

/* Main thread: init, devices, properties; decides about the memory as NCCL does. */
int comm_init(struct comm *comm);
/* Part of it: the devices that are nearest to the rank's memory. */
int comm_find_near(struct comm *comm);
/* Main thread: each rank learns by which device it receives from its peers. */
int comm_exchange_devices(struct comm *comm);
/* Service thread, in this order; between the first two the handles are exchanged. Each takes a struct comm. */
int comm_listen(void *comm);
int comm_connect(void *comm);
int comm_register(void *comm);
int comm_close(void *comm);
/* Main thread, last: finalize, and everything that is still held. */
int comm_finalize(struct comm *comm);

#endif

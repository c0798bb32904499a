/* SPDX-License-Identifier: BSD-3-Clause */
/* One plugin under measurement between two ranks: its connections, its buffers and what one run of
 * messages cost. */
#ifndef BENCH_P2P_H
#define BENCH_P2P_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devmem.h"
#include "net.h"
#include "plugin_spec.h"

#define P2P_MAX_DEPTH 32 /* NCCL_NET_MAX_REQUESTS: more requests no plugin need take */
#define P2P_MAX_CHANNELS 64

/* What both ranks were told. */
struct p2p_shape {
	size_t bytes;	       /* of one message; 0 is allowed */
	unsigned int depth;    /* requests in flight per channel, 1 to P2P_MAX_DEPTH */
	unsigned int channels; /* 1 to P2P_MAX_CHANNELS */
	bool both;	       /* data in both directions at once */
};

/* Depth slots of the largest message. */
struct p2p_buffer {
	struct devmem_mem *mem;
	char *data; /* the memory's address, which the CPU need not reach */
	void *mr;
};

struct p2p_lane {
	int dev; /* channels are dealt out to the plugin's devices in turn, as NCCL's rings */
	char own_handle[NCCL_NET_HANDLE_MAXSIZE];
	char peer_handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listener, *send_comm, *recv_comm;
	struct p2p_buffer send, recv;
};

struct p2p_link {
	const char *name; /* as given by --plugin */
	struct net net;
	void *ctx;
	int devices;
	int rank;    /* 0 or 1 */
	size_t slot; /* bytes of a slot */
	unsigned int channels, depth;
	unsigned int timeout; /* seconds without progress that end the run */
	enum devmem_mem_kind memory;
	struct devmem_exporter *exporter;
	char *near; /* a slot in host memory, through which memory that is far from the CPU is
		       filled and verified; NULL where the CPU reaches it */
	struct p2p_lane *lanes; /* one for each channel */
	double connected;	/* seconds from the first listen to the last accept */
	struct failure *failure;
};

/*
 * Loads @plugin and connects its channels with the other rank over MPI_COMM_WORLD, each in both
 * directions. Collective. 0, or -1 with the failure set.
 */
int p2p_connect(struct p2p_link *link, const struct plugin_spec *plugin);
/* The same, and buffers for messages. */
int p2p_open(struct p2p_link *link, const struct plugin_spec *plugin);
void p2p_close(struct p2p_link *link);

/* Opens the exporter of link->memory, once the plugin is loaded. 0, or -1 with the failure set. */
int p2p_memory_open(struct p2p_link *link);
void p2p_memory_close(struct p2p_link *link);
/* Allocates @buffer and registers it with @comm; the caller frees it with the same @comm. */
int p2p_buffer_add(struct p2p_link *link, void *comm, struct p2p_buffer *buffer);
void p2p_buffer_free(struct p2p_link *link, void *comm, struct p2p_buffer *buffer);
/* Where the CPU may write or read a slot's @bytes: @data itself, or link->near. p2p_near_read()
 * brings the bytes there, p2p_near_written() takes them to @data. NULL and -1: the failure is set.
 */
char *p2p_near_read(struct p2p_link *link, char *data, size_t bytes);
int p2p_near_written(struct p2p_link *link, char *data, size_t bytes);

/* Moves @messages messages on each channel; @check fills and verifies every byte. Not collective in
 * itself: each rank does its half. */
int p2p_stream(struct p2p_link *link, const struct p2p_shape *shape, unsigned int messages,
	       bool check, uint64_t *wrong);
/* One message there and one back, @n times, on channel 0; @ns takes half of each round trip in
 * nanoseconds (rank 0; NULL on rank 1). */
int p2p_pingpong(struct p2p_link *link, size_t bytes, unsigned int n, uint64_t *ns);

#endif

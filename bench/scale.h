/* SPDX-License-Identifier: BSD-3-Clause */
/* A model of NCCL over this plugin at sizes that nobody has here: what it is given, and its parts.
 * docs/scale.md lists what it assumes. */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NCCL's Simple protocol: NCCL_BUFFSIZE of 4 MiB in NCCL_STEPS of 8 (init.cc, device.h). */
#define SCALE_STEP_BYTES (512.0 * 1024)
#define SCALE_STEPS 8u
#define SCALE_RING_SLICE_STEPS 2u /* ALLREDUCE_SLICESTEPS: a message (collectives.h) */
#define SCALE_RING_CHUNK_STEPS 4u /* ALLREDUCE_CHUNKSTEPS: what a rank passes on in a step */
#define SCALE_MAX_HOSTS 32768u
#define SCALE_MAX_GPUS 64u /* of a host */
#define SCALE_MAX_NICS 64u /* of a host */
#define SCALE_CHANNELS 64u /* NCCL's MAXCHANNELS */

struct scale_costs {
	double message_s; /* seconds of one rank for each message */
	double byte_s;	  /* ... and for each byte */
	double connect_s; /* seconds of one rank for each end of a connection */
};

struct scale_system {
	unsigned int hosts, gpus, nics; /* GPUs and NICs of each host; a process for each GPU */
	double line_bytes_s;		/* of a NIC, each way; INFINITY is allowed */
	unsigned int mtu;		/* bytes of a packet */
	unsigned int channels;
	double rtt_s;		   /* between hosts */
	double local_s;		   /* of a hop between GPUs of a host, at most rtt_s / 2 */
	unsigned int queues;	   /* rx queues of a pool; 0: as the plugin chooses */
	unsigned int streams;	   /* data streams of a connection; 0: one for each queue */
	unsigned int nic_queues;   /* rx queues of a NIC */
	unsigned int ring_entries; /* buffers of an rx ring */
	size_t pool_bytes;	   /* 0: as the plugin chooses */
	unsigned int p2p_channels; /* connections from a GPU to another, of an all-to-all */
	struct scale_costs costs;
};

/* What a machine or its administrator allows. */
struct scale_bounds {
	unsigned long nofile; /* descriptors of a process */
	unsigned long rules;  /* steering rules of a NIC */
	double timeout_s;     /* of connection set-up */
	double reference;     /* bytes of the all-reduce whose latency is judged */
};

/* scale_link.c */
/* Share of the line rate that is payload: IPv4, TCP with timestamps, Ethernet with preamble, check
 * sequence and gap. 0 when the MTU has no room for payload. */
double scale_payload_share(unsigned int mtu);
/* Payload bytes a second that the NICs of a host can receive. */
double scale_possible_bytes_s(const struct scale_system *system);
/* Seconds until the next message of @bytes may follow on a channel, when all channels are busy. */
double scale_busy_s(const struct scale_system *system, double bytes);
/* Seconds that @n messages of a channel, each of which keeps it busy for @busy, hold up the one
 * after them, when @in_flight may be under way and room comes back after @turn. */
double scale_wait_s(double busy, double turn, unsigned long n, unsigned int in_flight);
/* Bus bandwidth as nccl-tests counts it, in bytes a second; 0 for a single rank. */
double scale_busbw(const struct scale_system *system, double bytes, double seconds);

/* scale_ring.c: seconds of a ring all-reduce of @bytes. */
double scale_ring_s(const struct scale_system *system, double bytes);
/* ... of one loop of it, in which each rank passes on chunks of @chunk bytes. */
double scale_ring_loop_s(const struct scale_system *system, double chunk);

/* scale_tree.c: seconds of an all-reduce of @bytes by two trees. */
double scale_tree_s(const struct scale_system *system, double bytes);
/* Host @host's parent in the first (@second: the second) of two trees of @hosts; -1: the root. */
long scale_tree_parent(unsigned int hosts, unsigned int host, bool second);
struct scale_tree {
	unsigned int depth;	 /* hops from the deepest host to the root */
	double connected;	 /* neighbours of the busiest host, mean of both trees */
	unsigned int first_only; /* ... in the first tree alone */
};
struct scale_tree scale_tree_shape(unsigned int hosts);

/* scale_setup.c */
enum scale_traffic { SCALE_ALL_REDUCE, SCALE_ALL_TO_ALL, SCALE_TRAFFICS };

/* A pool of device memory: of one GPU and NIC. How many hosts there are does not matter to it. */
struct scale_pool {
	unsigned int queues, streams;
	size_t bytes;
	unsigned int pages;	   /* that may be promised to senders */
	unsigned long fed;	   /* connections that can have a full share */
	unsigned long admitted;	   /* connections that can have a page at all */
	unsigned int pools_of_nic; /* at the busiest NIC */
	unsigned int rules_of_nic; /* steering rules there */
	unsigned int rules_of_host;
};
void scale_size_pool(const struct scale_system *system, struct scale_pool *pool);

/* Connections come in as many as they go out; numbers are of one way, at the busiest. */
struct scale_setup {
	unsigned long ring, tree, p2p; /* of a host, by what they are for */
	unsigned long host, rank, pool;
	unsigned long streams;	   /* data streams that come in at a host */
	unsigned long descriptors; /* of a process, both ways */
	unsigned int share_pages;  /* that the last connection keeps; 0: it goes by host memory */
	double seconds;		   /* of a process, both ways */
};
void scale_count_setup(const struct scale_system *system, const struct scale_pool *pool,
		       enum scale_traffic traffic, struct scale_setup *setup);

/* scale_limits.c */
#define SCALE_LIMITS 12u

struct scale_limit {
	const char *name, *knob;
	unsigned int hosts;    /* the fewest at which it breaks; 0: not up to SCALE_MAX_HOSTS */
	double value, allowed; /* at these hosts, else at SCALE_MAX_HOSTS */
};
/* All limits, those that break first before the others. The hosts of @system do not matter. */
void scale_limits(const struct scale_system *system, const struct scale_bounds *bounds,
		  struct scale_limit limits[SCALE_LIMITS]);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose memory a connection is for: that of the CUDA device which the calling thread has chosen, or
 * of the only kind there is. */
#ifndef PLUGIN_MEMORIES_H
#define PLUGIN_MEMORIES_H

#include "conn.h"

#define MEMORIES_MAX 32 /* CUDA devices of a machine */
#define MEMORIES_NICS 32

/* One device's memory, and each NIC as used with it. */
struct memory {
	int ordinal;
	struct devmem_exporter *exporter;
	struct device *devices[MEMORIES_NICS]; /* by number of the NIC; NULL: not used yet */
	bool has_base;
	uintptr_t base; /* of what NCCL's kernels unpack on this device */
};

/* Under the lock of its user. */
struct memories {
	unsigned int n_nics;
	struct devmem_nic nics[MEMORIES_NICS];
	struct device_options options;
	struct stat_totals *totals;
	log_fn log;
	bool host_instead; /* a further CUDA device that cannot be used is a warning, not an error
			    */
	unsigned int n;
	struct memory list[MEMORIES_MAX]; /* the first is what the plugin's properties speak of */
};

/* Opens all NICs with @exporter, which becomes the first memory, on failure too. The other members
 * are set before. */
int memories_start(struct memories *memories, struct devmem_exporter *exporter,
		   struct devmem_error *err);
/*
 * NIC @dev as used with the memory of the calling thread's CUDA device, opened now if need be; with
 * the first memory where that is not CUDA's, or the thread has no current device.
 */
int memories_device(struct memories *memories, unsigned int dev, struct device **device,
		    struct devmem_error *err);
/* The one base (unpack.h) of all connections for the memory that @conn is for, chosen near its pool
 * at the first call. */
int memories_base(struct memories *memories, const struct conn *conn, uintptr_t *base,
		  struct devmem_error *err);
/* Connections and listeners must have ended. */
void memories_end(struct memories *memories);

#endif

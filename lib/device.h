/* SPDX-License-Identifier: BSD-3-Clause */
/* One NIC as connections use it: what it can do, its plan, its pool, the memory registered with it.
 */
#ifndef DEVMEM_DEVICE_H
#define DEVMEM_DEVICE_H

#include <pthread.h>

#include "devmem.h"
#include "lender.h"
#include "linger.h"
#include "log.h"
#include "plan.h"
#include "pool.h"
#include "stat.h"

struct device_options {
	enum plan_wish wish;
	bool require;	   /* a fallback is an error */
	bool times_copies; /* counts the CPU time of copies, which costs two system calls for each
			    */
	/* Of the broker: "auto" when this process lacks the privilege, "off", or the path where it
	 * serves. NULL: off. */
	const char *broker;
	struct pool_options pool;	/* broker and peer_timeout_s: of the device */
	unsigned int streams;		/* of a connection; 0: as many as the pool has queues */
	unsigned int connect_timeout_s; /* until connect() gives up */
	unsigned int peer_timeout_s;	/* until a silent peer counts as dead */
};

struct region {
	struct region *next;
	struct devmem_mem *mem;	   /* NULL for host memory */
	struct devmem_binding *tx; /* NULL: not sent from by the NIC */
	uint32_t tx_id;
	void *addr;
	size_t size;
	unsigned int refs;
};

struct device {
	struct devmem_nic nic;
	struct plan plan; /* changed under the lock, by a late failure only */
	struct device_options options;
	struct devmem_exporter *exporter;
	struct stat_totals *totals;
	log_fn log;
	pthread_mutex_t lock; /* for plan, pool and regions */
	struct pool *pool;    /* opened by the first listen */
	struct region *regions;
	struct linger_list lingering;
	struct lender lender;
	unsigned int refs; /* the creator, and every connection and listener */
};

/*
 * Probes @nic and decides its plan, with one line of log. -EOPNOTSUPP when options->require and the
 * plan is a fallback. @exporter,
 * @totals and @log must live longer than the device; the options are copied, but not
 * the texts of lease_dir and broker.
 */
int device_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
		const struct device_options *options, struct stat_totals *totals, log_fn log,
		struct device **device, struct devmem_error *err);
struct device *device_get(struct device *device);
void device_put(struct device *device);

/* The pool, opened now if need be; NULL when the plan is, or has become, to receive to host memory.
 */
int device_pool(struct device *device, struct pool **pool, struct devmem_error *err);

/*
 * Registers device memory; the same address and size gives the same region. @dmabuf_fd -1: the
 * exporter exports it.
 * @send: data will be sent from it, so it is bound for transmit if the plan says so.
 */
int device_register(struct device *device, void *addr, size_t size, int dmabuf_fd,
		    uint64_t dmabuf_offset, bool send, struct region **region,
		    struct devmem_error *err);
void device_deregister(struct device *device, struct region *region);

#endif

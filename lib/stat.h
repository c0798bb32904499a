/* SPDX-License-Identifier: BSD-3-Clause */
/* Where bytes went: the counters of a process. Added to by any thread, read without a lock. */
#ifndef DEVMEM_STAT_H
#define DEVMEM_STAT_H

#include <stdint.h>

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stat_totals {
	uint64_t rx_device, rx_linear, rx_plain;
	uint64_t tx_device, tx_copied, tx_staged;
	uint64_t placed;   /* bytes that a copy engine moved from the pool to their destination */
	uint64_t unpacked; /* bytes that the device's kernels were to move there */
	uint64_t copy_ns;  /* CPU nanoseconds in the calls that start the exporters' copies */
	uint64_t frags, tokens_taken, tokens_returned;
	uint64_t sends, recvs; /* requests completed */
	uint64_t fallbacks;
	/* Those before this line only grow, and are added up over connections. */
	uint64_t pool_pages; /* of one pool, that may be promised to senders; 0: none was opened */
	uint64_t pool_low_pages; /* the least that any pool ever had left */
};

static inline void stat_add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* Two counters that others add to meanwhile: none is out if more seem to be back than were taken.
 */
static inline uint64_t stat_tokens_out(const struct stat_totals *totals)
{
	return totals->tokens_taken > totals->tokens_returned
		       ? totals->tokens_taken - totals->tokens_returned
		       : 0;
}

/* Adds what has changed from @told to @now, which holds one connection's counts, and makes @told
 * the same. */
void stat_add_change(struct stat_totals *totals, const struct stat_totals *now,
		     struct stat_totals *told);
/* Adds what a stream has received so far to one connection's counts. */
void stat_add_received(struct stat_totals *now, const struct devmem_stream_stats *stream);
/* A pool of @pages pages had no less than @low left so far. */
void stat_pool(struct stat_totals *totals, uint64_t pages, uint64_t low);
/* Writes the totals in Prometheus' text form to @dir/devmem-<pid>.prom, by rename. 0 or -errno. */
int stat_write(const struct stat_totals *totals, const char *dir);
/* Reads the text of such a file, which is changed. What it does not name is 0, what it names and
 * this version does not know is left out. -EPROTO: it is none. Any bytes are safe. */
int stat_parse(char *text, struct stat_totals *totals);

#ifdef __cplusplus
}
#endif

#endif

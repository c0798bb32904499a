/* SPDX-License-Identifier: BSD-3-Clause */
/* Which zerocopy sends of a socket are done, from the ranges that its error queue tells, in any
 * order. */
#ifndef DEVMEM_COMPLETION_H
#define DEVMEM_COMPLETION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sends that may be under way at once; the kernel's optmem limit allows fewer. A power of two. */
#define COMPLETION_WINDOW 4096u

/* Numbers are the kernel's: 32 bits, from 0, wrapping. Zero-initialise before use. */
struct completion_set {
	uint32_t next; /* the number of the next send */
	uint32_t done; /* every number before this one is done */
	uint64_t early[COMPLETION_WINDOW /
		       64]; /* bit n % window: n is done, though an earlier one is not */
};

/* True when no further send may start before some complete. */
bool completion_full(const struct completion_set *set);
/* The number of a send that the kernel has just taken. */
uint32_t completion_add(struct completion_set *set);
/* Numbers @first to @last, both included, are done. -EPROTO when they are not under way. */
int completion_mark(struct completion_set *set, uint32_t first, uint32_t last);
/* True when @number and all before it are done. */
bool completion_reached(const struct completion_set *set, uint32_t number);

#ifdef __cplusplus
}
#endif

#endif

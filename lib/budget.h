/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages of a pool, reserved by connections before any byte may be sent to them. A page is what the
 * NIC fills: one buffer of the pool, 4 KiB or more.
 *
 * A queue whose pool is empty stalls all its flows, so what is promised to senders never exceeds
 * what is there. Every connection keeps a few pages for as long as it lives, so that none waits for
 * another; the rest is a pot that all take from and give back to.
 */
#ifndef DEVMEM_BUDGET_H
#define DEVMEM_BUDGET_H

#include <pthread.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BUDGET_SHARE 16u /* pages that a connection keeps, when there are enough */

struct budget {
	pthread_mutex_t lock;
	unsigned int total; /* pages */
	unsigned int pot;   /* pages that nobody has or keeps */
	unsigned int low;   /* the least that the pot ever held */
	unsigned int kept;  /* by all connections together */
	unsigned int n_shares;
};

/* One connection's. Zero before budget_join() and after budget_leave(). */
struct budget_share {
	unsigned int kept; /* pages that are its own, used or not */
	unsigned int held; /* pages in use, its own first */
};

void budget_init(struct budget *budget, unsigned int pages);
void budget_destroy(struct budget *budget);
/*
 * A connection comes. -EAGAIN: what it is to keep is lent to others, who will give it back soon.
 * -ENOSPC: there are more connections than the pool can feed.
 */
int budget_join(struct budget *budget, struct budget_share *share);
/* It goes, and gives back all. */
void budget_leave(struct budget *budget, struct budget_share *share);
/* Takes at most @want pages and returns how many. Whoever holds none gets one or more. */
unsigned int budget_take(struct budget *budget, struct budget_share *share, unsigned int want);
/* The least that the pot ever held. Any thread. */
unsigned int budget_low(struct budget *budget);
/* Whether nobody misses what the connection holds: it is its own, or most of the pot is there. Any
 * thread. */
bool budget_ample(struct budget *budget, const struct budget_share *share);
/* Gives back @pages, which were taken. */
void budget_give(struct budget *budget, struct budget_share *share, unsigned int pages);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A receive as its sender learns of it: the receiver writes it into the sender's memory. */
#ifndef VERBS_OFFER_H
#define VERBS_OFFER_H

#include <assert.h>
#include <stdint.h>

/* The last member is looked at first: it is the message's number plus 1, and the rest is there when
 * it is. */
struct verbs_offer {
	uint64_t addr;
	uint64_t size;
	uint32_t rkey;
	int32_t tag;
	uint64_t sequence;
};

static_assert(sizeof(struct verbs_offer) == 32, "two offers share no part of a cache line");

#endif

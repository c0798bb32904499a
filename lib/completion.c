// SPDX-License-Identifier: BSD-3-Clause
/* Which zerocopy sends of a socket are done, from the ranges that its error queue tells, in any
 * order. */
#include "completion.h"

#include <errno.h>

static uint64_t *word_of(struct completion_set *set, uint32_t number)
{
	return &set->early[number % COMPLETION_WINDOW / 64];
}

static uint64_t bit_of(uint32_t number)
{
	return UINT64_C(1) << (number % 64);
}

bool completion_full(const struct completion_set *set)
{
	return set->next - set->done >= COMPLETION_WINDOW;
}

uint32_t completion_add(struct completion_set *set)
{
	return set->next++;
}

int completion_mark(struct completion_set *set, uint32_t first, uint32_t last)
{
	uint32_t under_way = set->next - set->done;

	if (first - set->done >= under_way || last - set->done >= under_way ||
	    last - first >= under_way)
		return -EPROTO;
	for (uint32_t number = first; number != last + 1; number++)
		*word_of(set, number) |= bit_of(number);
	while (set->done != set->next && (*word_of(set, set->done) & bit_of(set->done))) {
		*word_of(set, set->done) &= ~bit_of(set->done);
		set->done++;
	}
	return 0;
}

bool completion_reached(const struct completion_set *set, uint32_t number)
{
	/* Wrapping distance: a number at or past done is still under way. */
	return (int32_t)(number - set->done) < 0;
}

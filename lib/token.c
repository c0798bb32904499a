// SPDX-License-Identifier: BSD-3-Clause
/* Tokens of one socket: which are out, and a batch of those to give back. Pure bookkeeping: the
 * system call is the caller's. */
#include "token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Tokens are the lowest free numbers of a socket, so the bitmap stays as small as the most
 * fragments ever held at once. */
static int grow(struct token_set *set, uint32_t token)
{
	uint32_t words = set->words ? set->words : 16;
	uint64_t *out;

	while (token / 64 >= words)
		words *= 2;
	out = realloc(set->out, words * sizeof(*out));
	if (!out)
		return -ENOMEM;
	memset(out + set->words, 0, (words - set->words) * sizeof(*out));
	set->out = out;
	set->words = words;
	return 0;
}

static bool is_out(const struct token_set *set, uint32_t token)
{
	return token / 64 < set->words && (set->out[token / 64] >> (token % 64) & 1);
}

int token_take(struct token_set *set, uint32_t token)
{
	if (token > INT32_MAX)
		return -EINVAL; /* the kernel's space is 31 bits */
	if (token / 64 >= set->words && grow(set, token))
		return -ENOMEM;
	if (is_out(set, token))
		return -EEXIST;
	set->out[token / 64] |= UINT64_C(1) << (token % 64);
	set->n_out++;
	return 0;
}

int token_put(struct token_set *set, uint32_t token)
{
	struct devmem_uapi_token *last = set->n_ranges ? &set->batch[set->n_ranges - 1] : NULL;
	bool adjacent = last && token == last->token_start + last->token_count;

	if (!is_out(set, token))
		return -EINVAL;
	if (set->n_batched == DEVMEM_UAPI_MAX_FRAGS ||
	    (!adjacent && set->n_ranges == DEVMEM_UAPI_MAX_RANGES))
		return -ENOSPC;
	set->out[token / 64] &= ~(UINT64_C(1) << (token % 64));
	if (adjacent)
		last->token_count++;
	else
		set->batch[set->n_ranges++] = (struct devmem_uapi_token){.token_start = token,
									 .token_count = 1};
	set->n_batched++;
	return 0;
}

bool token_batch_full(const struct token_set *set)
{
	return set->n_ranges == DEVMEM_UAPI_MAX_RANGES || set->n_batched == DEVMEM_UAPI_MAX_FRAGS;
}

void token_batch_done(struct token_set *set)
{
	set->n_out -= set->n_batched;
	set->n_batched = 0;
	set->n_ranges = 0;
}

void token_set_free(struct token_set *set)
{
	free(set->out);
	*set = (struct token_set){0};
}

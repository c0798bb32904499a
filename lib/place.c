// SPDX-License-Identifier: BSD-3-Clause
/* Brings received fragments to where they belong, and keeps their tokens until that is done. */
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ORDER 6

void place_init(struct place *place, struct devmem_exporter *exporter)
{
	memset(place, 0, sizeof(*place));
	place->exporter = exporter;
}

void place_destroy(struct place *place)
{
	free(place->tokens);
	free(place->batches);
	place->tokens = NULL;
	place->batches = NULL;
	place->n_tokens = place->n_batches = 0;
}

/* Doubles the ring of @n items of @size bytes that begins at @first, when it is full. */
static int make_room(void **items, size_t size, unsigned int *order, unsigned int *first,
		     unsigned int n)
{
	unsigned int new_order = *items ? *order + 1 : FIRST_ORDER;
	char *new;

	if (*items && n < 1u << *order)
		return 0;
	new = malloc(size << new_order);
	if (!new)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		memcpy(new + i *size, (char *)*items + ((*first + i) & ((1u << *order) - 1)) * size,
		       size);
	free(*items);
	*items = new;
	*order = new_order;
	*first = 0;
	return 0;
}

unsigned int place_room(const struct place *place)
{
	return PLACE_PIECES - place->n_pieces;
}

void place_add(struct place *place, void *dst, const void *src, size_t len)
{
	struct devmem_copy *last = place->n_pieces ? &place->pieces[place->n_pieces - 1] : NULL;

	if (last && (const char *)last->src + last->len == src &&
	    (char *)last->dst + last->len == dst)
		last->len += len;
	else
		place->pieces[place->n_pieces++] = (struct devmem_copy){dst, src, len};
}

int place_hold(struct place *place, uint32_t stream, uint32_t token)
{
	int ret = make_room((void **)&place->tokens, sizeof(*place->tokens), &place->token_order,
			    &place->first_token, place->n_tokens);

	if (ret)
		return ret;
	place->tokens[(place->first_token + place->n_tokens++) & ((1u << place->token_order) - 1)] =
		(struct place_token){.token = token, .stream = stream};
	place->new_tokens++;
	return 0;
}

void place_pages(struct place *place, unsigned int pages)
{
	place->new_pages += pages;
}

int place_start(struct place *place, uint64_t *fence)
{
	int ret;

	if (!place->n_pieces)
		return 1;
	ret = make_room((void **)&place->batches, sizeof(*place->batches), &place->batch_order,
			&place->first_batch, place->n_batches);
	if (ret)
		return ret;
	ret = devmem_copy_start(place->exporter, place->pieces, place->n_pieces, fence);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	place->batches[(place->first_batch + place->n_batches++) &
		       ((1u << place->batch_order) - 1)] =
		(struct place_batch){*fence, place->new_tokens, place->new_pages};
	place->n_pieces = place->new_tokens = place->new_pages = 0;
	return 1;
}

int place_next(struct place *place, struct place_token *token)
{
	while (place->n_batches) {
		struct place_batch *batch = &place->batches[place->first_batch];
		int ret = devmem_copy_done(place->exporter, batch->fence);

		if (ret <= 0)
			return ret;
		place->pages_done += batch->pages;
		batch->pages = 0;
		if (batch->tokens) {
			batch->tokens--;
			*token = place->tokens[place->first_token];
			place->first_token = (place->first_token + 1) &
					     ((1u << place->token_order) - 1);
			place->n_tokens--;
			return 1;
		}
		place->first_batch = (place->first_batch + 1) & ((1u << place->batch_order) - 1);
		place->n_batches--;
	}
	return 0;
}

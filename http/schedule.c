// SPDX-License-Identifier: BSD-3-Clause
/* Which connection takes which part: the oldest fetch first, by a connection to its server if one
 * is idle. */
#include "client.h"

static struct link *pick(struct devmem_http *http, const struct origin *origin)
{
	struct link *closed = NULL, *other = NULL;

	for (unsigned int i = 0; i < http->n_links; i++) {
		struct link *link = &http->links[i];

		if (link->state == LINK_IDLE && link->origin == origin)
			return link;
		if (link->state == LINK_CLOSED && !closed)
			closed = link;
		/* One whose copies are under way cannot be hung up now. */
		if (link->state == LINK_IDLE && !link->gather.n)
			other = link;
	}
	return closed ? closed : other;
}

/* The youngest fetch that waits for room, if it is younger than @fetch. */
static struct link *youngest_in_line(struct devmem_http *http, const struct devmem_fetch *fetch)
{
	struct link *found = NULL;
	uint64_t number = fetch->number;

	for (unsigned int i = 0; i < http->n_links; i++) {
		struct link *link = &http->links[i];

		if (link->state == LINK_ROOM && !link->gather.n &&
		    link->part->fetch->number > number) {
			number = link->part->fetch->number;
			found = link;
		}
	}
	return found;
}

/* Its room may come free only after @fetch, which has no connection. */
static bool make_way(struct devmem_http *http, struct devmem_fetch *fetch, int64_t now_ms,
		     int64_t *soon_ms)
{
	struct link *link;

	if (fetch->info.error.code || fetch->active || !fetch_has_part(fetch, now_ms, soon_ms))
		return false;
	link = youngest_in_line(http, fetch);
	if (link)
		link_broken(link, 0, "");
	return link;
}

static void give_parts(struct devmem_http *http, struct devmem_fetch *fetch, int64_t now_ms,
		       int64_t *soon_ms)
{
	struct link *link;
	struct part *part;

	while (!fetch->info.error.code && (link = pick(http, fetch->origin)) &&
	       (part = fetch_next_part(fetch, now_ms, soon_ms)))
		link_take(link, part);
}

void schedule(struct devmem_http *http, int64_t now_ms, int64_t *soon_ms)
{
	for (struct devmem_fetch *fetch = http->fetches; fetch; fetch = fetch->next) {
		give_parts(http, fetch, now_ms, soon_ms);
		if (make_way(http, fetch, now_ms, soon_ms))
			give_parts(http, fetch, now_ms, soon_ms);
	}
}

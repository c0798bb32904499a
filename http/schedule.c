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

void schedule(struct devmem_http *http, int64_t now_ms, int64_t *soon_ms)
{
	for (struct devmem_fetch *fetch = http->fetches; fetch; fetch = fetch->next) {
		struct link *link;
		struct part *part;

		while (!fetch->info.error.code && (link = pick(http, fetch->origin)) &&
		       (part = fetch_next_part(fetch, now_ms, soon_ms)))
			link_take(link, part);
	}
}

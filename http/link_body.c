// SPDX-License-Identifier: BSD-3-Clause
/* The body of an answer: to its place by the copy engine, or to nowhere. */
#include "client.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

bool link_room_progress(struct link *link)
{
	struct devmem_fetch *fetch = link->part->fetch;
	struct devmem_error err = {0};
	int ret = fetch->placed ? 1
				: fetch->room(fetch->arg, fetch->info.size, &fetch->info.dst, &err);

	if (ret < 0)
		fetch_fail(fetch, ret, "%s", err.text[0] ? err.text : strerror(-ret));
	if (ret < 0)
		return false;
	if (!ret) {
		link_wait(link, 0);
		return false;
	}
	fetch->placed = true;
	link_expect(link);
	link_state(link, LINK_BODY);
	return true;
}

static void end_body(struct link *link)
{
	struct part *part = link->part;

	link_next(link, link->head.head.keep_alive);
	part->fetch->active--;
	if (part->first + part->got < part->end) {
		part->tries = 0;
		fetch_retry(part, false, 0, 0,
			    ""); /* the server has sent less than all, as it may */
	} else {
		fetch_part_done(part);
	}
}

/* Adds @len bytes that were received at @bytes. */
static void place(struct link *link, const uint8_t *bytes, uint64_t len)
{
	struct part *part = link->part;
	struct devmem_fetch *fetch = part->fetch;

	gather_add(&link->gather, (char *)fetch->info.dst + part->first + part->got, bytes, len);
	part->got += len;
	fetch->info.received += len;
	link->http->stats.placed += len;
	link->left -= len;
}

/* A fragment, or what is left of it after @used bytes. True when all of it is of the body. */
static bool place_fragment(struct link *link, const struct devmem_frag *frag, uint32_t used)
{
	const uint8_t *bytes = link_bytes(link, frag);
	uint64_t len = frag->len - used;

	if (len > link->left)
		len = link->left;
	if (frag->where != DEVMEM_FRAG_DEVICE)
		link->gather.from_bounce = true;
	if (len)
		place(link, bytes + used, len);
	if (used + len < frag->len)
		return false;
	if (frag->where == DEVMEM_FRAG_DEVICE)
		gather_hold(&link->gather, frag->token);
	return true;
}

/* What came with the head. */
static void place_first(struct link *link)
{
	while (link->n_frags && place_fragment(link, &link->frags[link->first_frag], link->used)) {
		link->first_frag++;
		link->n_frags--;
		link->used = 0;
	}
}

/* 1: something was placed; 0: nothing has come; -1: the connection is gone. */
static int place_next(struct link *link)
{
	struct devmem_frag frags[GATHER_PIECES];
	unsigned int n = GATHER_PIECES;
	size_t want = link->left < BOUNCE_BYTES ? (size_t)link->left : BOUNCE_BYTES;
	int ret = link_receive(link, want, frags, &n);

	if (ret <= 0)
		return ret;
	gather_begin(&link->gather, &link->part->fetch->copies);
	for (unsigned int i = 0; i < n; i++)
		(void)place_fragment(link, &frags[i], 0);
	return 1;
}

bool link_body_progress(struct link *link)
{
	if (!link->left) {
		end_body(link);
		return true;
	}
	/* The next receive call writes to the bounce buffer; and where the engine is behind, TCP
	 * holds the server up. */
	if (!gather_ready(&link->gather) || link->gather.from_bounce) {
		link_wait(link, 0);
		return false;
	}
	if (link->n_frags) {
		gather_begin(&link->gather, &link->part->fetch->copies);
		place_first(link);
	} else if (place_next(link) <= 0) {
		return false;
	}
	link->progressed = true;
	return true;
}

bool link_discard_progress(struct link *link)
{
	struct devmem_frag frags[HEAD_FRAGS];
	unsigned int n = HEAD_FRAGS;
	size_t want = (size_t)link->left;

	while (link->n_frags && link->left) {
		const struct devmem_frag *frag = &link->frags[link->first_frag];
		uint32_t len = frag->len - link->used;

		if (len > link->left)
			break; /* link_next() finds what is left over */
		link_token_back(link, frag);
		link->left -= len;
		link->http->stats.discarded += len;
		link->first_frag++;
		link->n_frags--;
		link->used = 0;
	}
	if (link->left && !link->n_frags) {
		want = (size_t)link->left;
		if (link_receive(link, want, frags, &n) <= 0)
			return false;
		for (unsigned int i = 0; i < n; i++) {
			link_token_back(link, &frags[i]);
			link->left -= frags[i].len;
			link->http->stats.discarded += frags[i].len;
		}
		return true;
	}
	link_next(link, link->head.head.keep_alive);
	return false;
}

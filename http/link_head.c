// SPDX-License-Identifier: BSD-3-Clause
/* The head of an answer lies in device memory: it is read back to the host piece by piece, no more
 * than it takes to find where the body begins. */
#include "client.h"

#include <errno.h>
#include <string.h>

void link_head_begin(struct link *link)
{
	head_begin(&link->head);
	link_state(link, LINK_HEAD);
}

static void use(struct link *link, uint32_t len)
{
	const struct devmem_frag *frag = &link->frags[link->first_frag];

	link->used += len;
	if (link->used < frag->len)
		return;
	link_token_back(link, frag);
	link->first_frag++;
	link->n_frags--;
	link->used = 0;
}

/* @len bytes of the fragment whose turn it is have come to the host, at @bytes. */
static bool feed(struct link *link, const uint8_t *bytes, uint32_t len)
{
	struct devmem_http_stats *stats = &link->http->stats;
	struct devmem_error err = {0};
	bool done = false;
	ssize_t n = head_feed(&link->head, bytes, len, &done, &err);

	if (n < 0) {
		fetch_fail(link->part->fetch, (int)n, "the answer is not HTTP as it should be: %s",
			   err.text);
		return false;
	}
	stats->head_bytes += (uint64_t)n;
	if (done && link->frags[link->first_frag].where == DEVMEM_FRAG_DEVICE)
		stats->body_read_back += len - (uint64_t)n;
	use(link, (uint32_t)n);
	if (done)
		answer(link);
	return true;
}

static bool begin_reading(struct link *link, const uint8_t *bytes, uint32_t len)
{
	const struct devmem_copy piece = {.dst = link->page, .src = bytes, .len = len};
	int ret = devmem_copy_start(link->http->exporter, &piece, 1, &link->read_fence);

	if (ret == -EAGAIN)
		return false;
	if (ret) {
		fetch_fail(link->part->fetch, ret, "cannot read the answer's head back: %s",
			   strerror(-ret));
		return false;
	}
	link->page_len = len;
	link->reading = true;
	return true;
}

static bool end_reading(struct link *link)
{
	int ret = devmem_copy_done(link->http->exporter, link->read_fence);

	if (!ret)
		return false;
	link->reading = false;
	if (ret > 0)
		return feed(link, link->page, link->page_len);
	fetch_fail(link->part->fetch, ret, "cannot read the answer's head back: %s",
		   strerror(-ret));
	return false;
}

bool link_head_progress(struct link *link)
{
	const struct devmem_frag *frag;
	const uint8_t *bytes;
	uint32_t len;

	if (link->reading)
		return end_reading(link);
	if (!link->n_frags) {
		link->first_frag = link->used = 0;
		if (link->gather.from_bounce) {
			link_wait(link, 0); /* copies of the answer before still read it */
			return false;
		}
		link->n_frags = HEAD_FRAGS;
		if (link_receive(link, HEAD_PIECE, link->frags, &link->n_frags) <= 0)
			return false;
	}
	frag = &link->frags[link->first_frag];
	bytes = link_bytes(link, frag) + link->used;
	len = frag->len - link->used;
	len = len < HEAD_PIECE ? len : HEAD_PIECE;
	return frag->where == DEVMEM_FRAG_DEVICE ? begin_reading(link, bytes, len)
						 : feed(link, bytes, len);
}

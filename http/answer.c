// SPDX-License-Identifier: BSD-3-Clause
/* What the head of an answer means for the part that asked, and for its fetch. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RETRY_AFTER_MAX_S 30u

void answer_discard(struct link *link)
{
	const struct head *head = &link->head.head;

	link->part = NULL;
	link->left = head->length;
	if (!head->keep_alive || !head->has_length || head->length > DISCARD_MAX)
		link_drop(link);
	else
		link_state(link, LINK_DISCARD);
}

/* Takes the part off its link, whose body nobody wants. */
static struct part *part_off(struct link *link)
{
	struct part *part = link->part;

	part->fetch->active--;
	answer_discard(link);
	return part;
}

static void fail(struct link *link, int code, const char *text)
{
	fetch_fail(link->part->fetch, code, "%s", text);
}

static void receive_body(struct link *link, uint64_t len)
{
	struct devmem_fetch *fetch = link->part->fetch;

	link->left = len;
	if (!fetch->validator[0])
		strcpy(fetch->validator, link->head.head.validator);
	link_state(link, LINK_ROOM);
}

/* The body is bytes that the engine can place as they come. */
static bool body_usable(struct link *link)
{
	const struct head *head = &link->head.head;

	if (head->encoded)
		fail(link, -EOPNOTSUPP,
		     "the server compresses it (Content-Encoding), though asked not to: switch "
		     "that "
		     "off for this object");
	else if (head->chunked)
		fail(link, -EOPNOTSUPP,
		     "the server sends it in chunks (Transfer-Encoding: chunked), whose sizes would "
		     "have to be read among the payload, where the CPU cannot: let it send a "
		     "Content-Length");
	else if (!head->has_length)
		fail(link, -EOPNOTSUPP,
		     "the server does not tell its length, so that a broken connection could not "
		     "be "
		     "told from its end: let it send a Content-Length");
	else
		return true;
	return false;
}

static void changed(struct link *link)
{
	struct part *part = part_off(link);
	struct devmem_fetch *fetch = part->fetch;

	part->next = fetch->waiting;
	fetch->waiting = part;
	if (++fetch->restarts > fetch->http->options.tries)
		fetch_fail(fetch, -ESTALE,
			   "it changes while it is fetched, or the server begins anew where a "
			   "connection ended too early");
	else
		fetch_restart(fetch);
}

/* 200: all of it. */
static void answer_whole(struct link *link)
{
	const struct head *head = &link->head.head;
	struct part *part = link->part;
	struct devmem_fetch *fetch = part->fetch;

	if (!body_usable(link))
		return;
	if (fetch->ranged || part->first || part->got ||
	    (fetch->info.size_known && fetch->info.size != head->length)) {
		changed(link);
		return;
	}
	part->end = fetch->info.size = fetch->next_first = head->length;
	fetch->info.size_known = true;
	fetch->validator[0] = '\0'; /* nothing is there of an earlier answer */
	receive_body(link, head->length);
}

static bool range_as_asked(const struct part *part, const struct head *head)
{
	return head->has_range && head->has_total && head->first == part->first + part->got &&
	       head->last < part->end &&
	       (!head->has_length || head->length == head->last - head->first + 1);
}

/* An answer to If-Range need not repeat what was asked with (RFC 9110, 15.3.7). */
static bool is_another(const struct devmem_fetch *fetch, const struct head *head)
{
	return head->total != fetch->info.size ||
	       (head->validator[0] && strcmp(head->validator, fetch->validator) != 0);
}

/* 206: a range, of which the server may send less than it was asked for. */
static void answer_range(struct link *link)
{
	const struct head *head = &link->head.head;
	struct part *part = link->part;
	struct devmem_fetch *fetch = part->fetch;

	if (!body_usable(link))
		return;
	if (!range_as_asked(part, head)) {
		fail(link, -EPROTO,
		     "the server sends another range than it was asked for, or none: let it honour "
		     "Range, or ignore it");
		return;
	}
	if (fetch->info.size_known && is_another(fetch, head)) {
		changed(link);
		return;
	}
	if (!fetch->info.size_known) {
		fetch->info.size = head->total;
		fetch->info.size_known = true;
		if (part->end > head->total)
			part->end = head->total;
		fetch->next_first = part->end;
	}
	fetch->ranged = true;
	receive_body(link, head->last - head->first + 1);
}

/* 416: there is no byte to send of an empty object. */
static void answer_no_such_range(struct link *link)
{
	struct devmem_fetch *fetch = link->part->fetch;

	if (fetch->info.size_known) {
		changed(link);
	} else if (fetch->unranged) {
		fail(link, -EPROTO, "the server refuses a range that it was not asked for (416)");
	} else {
		fetch->unranged = true;
		fetch_retry(part_off(link), false, 0, 0, "");
	}
}

static void answer_redirect(struct link *link)
{
	char location[URL_MAX];
	struct devmem_fetch *fetch;
	struct part *part;

	if (!link->head.head.location[0]) {
		fail(link, -EPROTO, "the server redirects, but does not say where to");
		return;
	}
	strcpy(location, link->head.head.location);
	part = part_off(link);
	fetch = part->fetch;
	part->next = fetch->waiting;
	fetch->waiting = part;
	fetch_redirect(fetch, location);
}

static void answer_later(struct link *link)
{
	const struct head *head = &link->head.head;
	unsigned int after_s = head->retry_after_s;
	char why[TEXT_MAX];

	snprintf(why, sizeof(why), "the server says %u %s", head->status, head->reason);
	if (after_s > RETRY_AFTER_MAX_S)
		after_s = RETRY_AFTER_MAX_S;
	fetch_retry(part_off(link), true, after_s * 1000, -EBUSY, why);
}

static void answer_refused(struct link *link)
{
	const struct head *head = &link->head.head;
	struct devmem_fetch *fetch = link->part->fetch;
	unsigned int status = head->status;
	char reason[sizeof(head->reason)];
	struct part *part;

	strcpy(reason, head->reason);
	part = part_off(link); /* the connection is still good */
	part->next = fetch->waiting;
	fetch->waiting = part;
	fetch_fail(fetch,
		   status == 404 || status == 410   ? -ENOENT
		   : status == 401 || status == 403 ? -EACCES
						    : -EREMOTEIO,
		   "the server says %u %s", status, reason);
}

void answer(struct link *link)
{
	unsigned int status = link->head.head.status;

	link->http->stats.responses++;
	link->part->fetch->info.http_status = status;
	switch (status) {
	case 200:
		answer_whole(link);
		break;
	case 206:
		answer_range(link);
		break;
	case 416:
		answer_no_such_range(link);
		break;
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		answer_redirect(link);
		break;
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		answer_later(link);
		break;
	default:
		answer_refused(link);
	}
}

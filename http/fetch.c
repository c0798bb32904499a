// SPDX-License-Identifier: BSD-3-Clause
/* One object from the first request to its end: which parts there are, and what becomes of them. */
#include "client.h"
#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 5000

static void free_waiting(struct devmem_fetch *fetch)
{
	while (fetch->waiting) {
		struct part *part = fetch->waiting;

		fetch->waiting = part->next;
		free(part);
	}
}

/* Takes all parts off their links, and forgets them. */
static void cancel(struct devmem_fetch *fetch)
{
	struct devmem_http *http = fetch->http;

	for (unsigned int i = 0; i < http->n_links; i++) {
		struct part *part = http->links[i].part;

		if (!part || part->fetch != fetch)
			continue;
		link_drop(&http->links[i]);
		free(part);
	}
	fetch->active = 0;
	free_waiting(fetch);
}

void fetch_fail(struct devmem_fetch *fetch, int code, const char *format, ...)
{
	struct devmem_error *error = &fetch->info.error;
	va_list args;

	cancel(fetch);
	if (error->code)
		return;
	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

static bool add_part(struct devmem_fetch *fetch, uint64_t first, uint64_t end)
{
	struct part *part = calloc(1, sizeof(*part));

	if (!part) {
		fetch_fail(fetch, -ENOMEM, "out of memory");
		return false;
	}
	part->fetch = fetch;
	part->first = first;
	part->end = end;
	part->next = fetch->waiting;
	fetch->waiting = part;
	return true;
}

void fetch_restart(struct devmem_fetch *fetch)
{
	cancel(fetch);
	fetch->info.size_known = false;
	fetch->info.received = 0;
	fetch->placed = fetch->ranged = fetch->unranged = false;
	fetch->validator[0] = '\0';
	fetch->next_first = UINT64_MAX;
	(void)add_part(fetch, 0, fetch->http->options.part_bytes);
}

void fetch_redirect(struct devmem_fetch *fetch, const char *location)
{
	struct devmem_http *http = fetch->http;
	struct devmem_error err = {0};
	struct url url;
	int ret;

	http->stats.redirects++;
	if (++fetch->info.redirects > http->options.redirects) {
		fetch_fail(fetch, -ELOOP, "more than %u redirects, the last to %s",
			   http->options.redirects, location);
		return;
	}
	ret = url_follow(&fetch->url, location, &url, &err);
	if (!ret)
		ret = origin_find(&http->origins, &url, http->nic.addr.ss_family, &fetch->origin,
				  &err);
	if (ret) {
		fetch_fail(fetch, ret, "the server redirects: %s", err.text);
		return;
	}
	fetch->url = url;
	url_text(&url, fetch->text, sizeof(fetch->text));
	fetch->restarts = 0;
	fetch_restart(fetch);
}

static int64_t backoff_ms(const struct part *part)
{
	int64_t ms = BACKOFF_FIRST_MS << (part->tries < 8 ? part->tries : 8);

	ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	return ms / 2 + (int64_t)random() % (ms / 2 + 1); /* many clients must not come at once */
}

void fetch_retry(struct part *part, bool counts, unsigned int after_ms, int code, const char *why)
{
	struct devmem_fetch *fetch = part->fetch;
	struct devmem_http *http = fetch->http;

	part->next = fetch->waiting;
	fetch->waiting = part;
	if (!counts)
		return;
	if (++part->tries >= http->options.tries) {
		fetch_fail(fetch, code,
			   "%s; given up after %u tries in which nothing came, with %" PRIu64
			   " bytes there",
			   why, http->options.tries, fetch->info.received);
		return;
	}
	fetch->info.retries++;
	http->stats.retries++;
	part->not_before_ms = clock_ms() + (after_ms ? after_ms : backoff_ms(part));
}

void fetch_part_done(struct part *part)
{
	free(part);
}

static bool has_all(const struct devmem_fetch *fetch)
{
	return fetch->placed && fetch->next_first >= fetch->info.size && !fetch->active &&
	       !fetch->waiting;
}

bool fetch_settle(struct devmem_fetch *fetch)
{
	struct devmem_error trouble = {0};
	bool fails = fetch->copies.failed && !fetch->info.error.code;

	if (fails) {
		devmem_exporter_trouble(fetch->http->exporter, &trouble);
		fetch_fail(fetch, fetch->copies.failed, "the device cannot copy: %s",
			   trouble.code ? trouble.text : strerror(-fetch->copies.failed));
	}
	if (!fetch->copies.pending && (fetch->info.error.code || has_all(fetch)))
		fetch->info.ended = true;
	return fails;
}

static struct part *take_waiting(struct devmem_fetch *fetch, int64_t now_ms, int64_t *soon_ms)
{
	for (struct part **link = &fetch->waiting; *link; link = &(*link)->next) {
		struct part *part = *link;

		if (part->not_before_ms <= now_ms) {
			*link = part->next;
			return part;
		}
		if (part->not_before_ms < *soon_ms)
			*soon_ms = part->not_before_ms;
	}
	return NULL;
}

/* What was received before a restart must not land after what comes now. */
static bool must_wait(const struct devmem_fetch *fetch)
{
	return !fetch->placed && fetch->copies.pending;
}

bool fetch_has_part(const struct devmem_fetch *fetch, int64_t now_ms, int64_t *soon_ms)
{
	if (must_wait(fetch))
		return false;
	for (const struct part *part = fetch->waiting; part; part = part->next) {
		if (part->not_before_ms <= now_ms)
			return true;
		if (part->not_before_ms < *soon_ms)
			*soon_ms = part->not_before_ms;
	}
	return fetch->placed && fetch->next_first < fetch->info.size;
}

struct part *fetch_next_part(struct devmem_fetch *fetch, int64_t now_ms, int64_t *soon_ms)
{
	uint64_t first = fetch->next_first, size = fetch->info.size, end;
	struct part *part;

	if (must_wait(fetch))
		return NULL;
	part = take_waiting(fetch, now_ms, soon_ms);
	if (part || !fetch->placed || first >= size)
		return part;
	end = size - first > fetch->http->options.part_bytes
		      ? first + fetch->http->options.part_bytes
		      : size;
	if (!add_part(fetch, first, end))
		return NULL;
	fetch->next_first = end;
	return take_waiting(fetch, now_ms, soon_ms);
}

int devmem_fetch_start(struct devmem_http *http, const char *url, devmem_fetch_room_fn room,
		       void *arg, struct devmem_fetch **fetch, struct devmem_error *err)
{
	struct devmem_fetch *new = calloc(1, sizeof(*new)), **last = &http->fetches;
	int ret;

	*fetch = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->http = http;
	new->room = room;
	new->arg = arg;
	ret = url_parse(url, &new->url, err);
	if (!ret)
		ret = origin_find(&http->origins, &new->url, http->nic.addr.ss_family, &new->origin,
				  err);
	if (ret) {
		free(new);
		return ret;
	}
	url_text(&new->url, new->text, sizeof(new->text));
	fetch_restart(new);
	while (*last)
		last = &(*last)->next;
	*last = new;
	new->number = http->next_number++;
	http_wake(http);
	*fetch = new;
	return 0;
}

void devmem_fetch_info_get(const struct devmem_fetch *fetch, struct devmem_fetch_info *info)
{
	*info = fetch->info;
}

const char *devmem_fetch_url(const struct devmem_fetch *fetch)
{
	return fetch->text;
}

void devmem_fetch_end(struct devmem_fetch *fetch)
{
	struct devmem_fetch **link;
	struct devmem_http *http;

	if (!fetch)
		return;
	http = fetch->http;
	cancel(fetch);
	while (fetch->copies.pending) {
		for (unsigned int i = 0; i < http->n_links; i++)
			link_progress(&http->links[i]);
		sched_yield();
	}
	for (link = &http->fetches; *link != fetch; link = &(*link)->next)
		;
	*link = fetch->next;
	free(fetch);
	if (http->fetches)
		http_wake(http); /* they may have waited for its connections */
}

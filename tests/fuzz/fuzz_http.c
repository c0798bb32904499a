// SPDX-License-Identifier: BSD-3-Clause
/* What must hold for any bytes of a web server, of a user's URL or of an index. */
#include "fuzz_parse.h"

#include <stdlib.h>
#include <string.h>

#include "devmem_http.h"
#include "head.h"
#include "request.h"
#include "url.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* A copy of the exact size and a NUL, so that a sanitizer sees every step outside. */
static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static bool is_printable(const char *text)
{
	while (*text > ' ' && *text <= '~')
		text++;
	return !*text;
}

static bool same_url(const struct url *a, const struct url *b)
{
	return !strcmp(a->host, b->host) && a->literal6 == b->literal6 && a->port == b->port &&
	       !strcmp(a->target, b->target);
}

/* One request, whose only empty line is its end. */
static void check_request(const struct url *url)
{
	char request[REQUEST_MAX];
	int len = request_format(url, 1, UINT64_MAX, true, "\"x\"", request, sizeof(request));

	CHECK(len > 0 && (size_t)len == strlen(request));
	CHECK(strstr(request, "\r\n\r\n") == request + len - 4);
	CHECK(strchr(request, '\n') > strstr(request, " HTTP/1.1\r\nHost: "));
}

static void check_url(const struct url *url)
{
	char text[URL_MAX], room[URL_MAX + 1];
	struct url again;

	CHECK(*url->host && is_printable(url->host) && url->port);
	CHECK(*url->target == '/' && is_printable(url->target) && !strchr(url->target, '#'));
	url_text(url, room, sizeof(room));
	CHECK(strlen(room) < sizeof(text));
	CHECK(!url_parse(url_text(url, text, sizeof(text)), &again, NULL) && same_url(url, &again));
	check_request(url);
}

/* The first line is a base, the second what is followed from there. */
void fuzz_url(const uint8_t *data, size_t size)
{
	char *text = copy(data, size), *reference = text;
	char *first = strsep(&reference, "\n");
	struct url base = {.host = "h", .port = 80, .target = "/a/b?c"}, url;
	struct devmem_error err;

	if (!url_parse(first, &base, &err))
		check_url(&base);
	else
		base = (struct url){.host = "h", .port = 80, .target = "/a/b?c"};
	if (reference && !url_follow(&base, reference, &url, &err))
		check_url(&url);
	free(text);
}

static void check_head(const struct head *head)
{
	CHECK(head->status >= 200 && head->status <= 999);
	CHECK(head->length <= INT64_MAX && (head->has_length || !head->length));
	CHECK(!(head->has_length && head->chunked));
	CHECK(!head->has_range || (head->first <= head->last && head->last <= INT64_MAX));
	CHECK(!head->has_total || head->total <= INT64_MAX);
	CHECK(!(head->has_range && head->has_total) || head->last < head->total);
	CHECK(!strpbrk(head->location, "\r\n") && !strpbrk(head->validator, "\r\n"));
}

static bool same_head(const struct head *a, const struct head *b)
{
	return a->status == b->status && a->has_length == b->has_length &&
	       a->length == b->length && a->has_range == b->has_range && a->first == b->first &&
	       a->last == b->last && a->has_total == b->has_total && a->total == b->total &&
	       a->chunked == b->chunked && a->encoded == b->encoded &&
	       a->keep_alive == b->keep_alive && a->retry_after_s == b->retry_after_s &&
	       !strcmp(a->reason, b->reason) && !strcmp(a->location, b->location) &&
	       !strcmp(a->validator, b->validator);
}

/* Feeds pieces of @piece bytes. Returns what belongs to the head, or the error. */
static ssize_t feed(struct head_parser *parser, const char *bytes, size_t size, size_t piece,
		    bool *done)
{
	struct devmem_error err;
	size_t used = 0;

	head_begin(parser);
	*done = false;
	while (used < size && !*done) {
		size_t n = size - used < piece ? size - used : piece;
		ssize_t ret = head_feed(parser, bytes + used, n, done, &err);

		if (ret < 0)
			return ret;
		CHECK((size_t)ret <= n && (*done || (size_t)ret == n));
		used += (size_t)ret;
	}
	return (ssize_t)used;
}

/* The first byte is the size of the pieces; their size changes nothing. */
void fuzz_head(const uint8_t *data, size_t size)
{
	static struct head_parser whole, pieces;
	bool whole_done, pieces_done;
	ssize_t used;
	char *bytes;

	if (!size)
		return;
	bytes = copy(data + 1, size - 1);
	used = feed(&whole, bytes, size - 1, size, &whole_done);
	CHECK(feed(&pieces, bytes, size - 1, data[0] + 1u, &pieces_done) == used);
	CHECK(whole_done == pieces_done);
	if (whole_done) {
		check_head(&whole.head);
		CHECK(same_head(&whole.head, &pieces.head));
	}
	free(bytes);
}

struct index_seen {
	unsigned int entries;
	int stop; /* what the entries are answered with */
};

static int see_entry(void *arg, const char *name, const char *text)
{
	struct index_seen *seen = arg;
	struct devmem_error err;
	struct url url;

	seen->entries++;
	CHECK(*name && !url_parse(text, &url, &err));
	check_url(&url);
	return seen->stop;
}

void fuzz_index(const uint8_t *data, size_t size)
{
	struct index_seen all = {0}, one = {.stop = 7};
	const char *base = "http://h/bucket?list-type=2";
	char *text = copy(data, size);
	struct devmem_error err;
	int ret = devmem_index_parse(text, size, base, see_entry, &all, &err);

	CHECK(!ret || !all.entries);
	if (all.entries)
		CHECK(devmem_index_parse(text, size, base, see_entry, &one, &err) == 7 &&
		      one.entries == 1);
	free(text);
}

// SPDX-License-Identifier: BSD-3-Clause
/* What must hold for any bytes that a client of devmemcat --serve sends. */
#include "fuzz_parse.h"

#include <stdlib.h>
#include <string.h>

#include "range.h"
#include "request.h"
#include "target.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* Feeds @data in pieces of @step bytes, until the parser has something to say; returns that. */
static int feed(struct request *request, const uint8_t *data, size_t size, size_t step)
{
	int status = 0;

	request_begin(request);
	for (size_t at = 0; at < size && !status; at += step) {
		size_t n = size - at < step ? size - at : step, room;
		char *to = request_room(request, &room);

		n = n < room ? n : room;
		memcpy(to, data + at, n);
		status = request_parse(request, n);
		CHECK(request->len <= sizeof(request->bytes) && request->parsed <= request->len);
	}
	CHECK(status == 0 || status == 200 || status == 400 || status == 431 || status == 505);
	return status;
}

static void check_span(const struct request *request, const struct request_span *span)
{
	CHECK(!span->at || (span->at >= request->bytes &&
			    span->at + span->len <= request->bytes + request->parsed));
}

static bool same(const struct request_span *a, const struct request_span *b)
{
	return !a->at == !b->at && a->len == b->len && (!a->at || !memcmp(a->at, b->at, a->len));
}

static void check_meaning(const struct request *request)
{
	static const uint64_t sizes[] = {0, 1, 100, UINT64_MAX};
	char path[TARGET_PATH];
	uint64_t first, last;

	if (!target_path(&request->target, path))
		CHECK(path[0] && path[0] != '/' && strlen(path) < TARGET_PATH);
	for (size_t i = 0; request->range.at && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (range_parse(&request->range, sizes[i], &first, &last) == 206)
			CHECK(first <= last && last < sizes[i]);
}

static void check_head(const struct request *request)
{
	check_span(request, &request->target);
	check_span(request, &request->range);
	check_span(request, &request->if_range);
	check_meaning(request);
}

void fuzz_request(const uint8_t *data, size_t size)
{
	static struct request whole, pieces;
	int status = feed(&whole, data, size, REQUEST_HEAD_BYTES);

	CHECK(feed(&pieces, data, size, 1) == status);
	if (status != 200)
		return;
	check_head(&whole);
	CHECK(whole.parsed == pieces.parsed && whole.method == pieces.method &&
	      whole.close == pieces.close);
	CHECK(same(&whole.target, &pieces.target) && same(&whole.range, &pieces.range) &&
	      same(&whole.if_range, &pieces.if_range));
	request_next(&whole);
	if (request_parse(&whole, 0) == 200)
		check_head(&whole);
}

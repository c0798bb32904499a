// SPDX-License-Identifier: BSD-3-Clause
/* Which bytes of a file a Range field asks for. */
#include "range.h"

#include <strings.h>

/* Reads digits from @text and moves it past them; false when there are none. A number that is too
 * large becomes the largest. */
static bool digits(struct request_span *text, uint64_t *number)
{
	const char *begin = text->at;

	*number = 0;
	for (; text->len && *text->at >= '0' && *text->at <= '9'; text->at++, text->len--) {
		unsigned int digit = (unsigned int)(*text->at - '0');

		if (*number > (UINT64_MAX - digit) / 10)
			*number = UINT64_MAX;
		else
			*number = *number * 10 + digit;
	}
	return text->at != begin;
}

static bool take(struct request_span *text, const char *word, size_t len)
{
	if (text->len < len || strncasecmp(text->at, word, len))
		return false;
	text->at += len;
	text->len -= len;
	return true;
}

static int last_bytes(uint64_t n, uint64_t size, uint64_t *first, uint64_t *last)
{
	if (!n || !size)
		return 416;
	*first = n < size ? size - n : 0;
	*last = size - 1;
	return 206;
}

int range_parse(const struct request_span *text, uint64_t size, uint64_t *first, uint64_t *last)
{
	struct request_span rest = *text;
	bool from, to;

	if (!take(&rest, "bytes=", 6))
		return 200;
	from = digits(&rest, first);
	if (!take(&rest, "-", 1))
		return 200;
	to = digits(&rest, last);
	if (rest.len || (!from && !to) || (from && to && *last < *first))
		return 200;
	if (!from)
		return last_bytes(*last, size, first, last);
	if (*first >= size)
		return 416;
	if (!to || *last >= size)
		*last = size - 1;
	return 206;
}

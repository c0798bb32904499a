// SPDX-License-Identifier: BSD-3-Clause
/* Which pieces of a ring of memory are taken. */
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct window_span *span_at(const struct window *window, unsigned int i)
{
	return &window->spans[(window->first + i) % window->room];
}

void window_free(struct window *window)
{
	free(window->spans);
	window->spans = NULL;
	window->room = window->first = window->n = 0;
}

static int grow(struct window *window)
{
	unsigned int room = window->room ? 2 * window->room : 16;
	struct window_span *spans = calloc(room, sizeof(*spans));

	if (!spans)
		return -ENOMEM;
	for (unsigned int i = 0; i < window->n; i++)
		spans[i] = *span_at(window, i);
	free(window->spans);
	window->spans = spans;
	window->room = room;
	window->first = 0;
	return 0;
}

/* Where @len bytes fit behind the newest span; the ring never becomes so full that its ends meet
 * unless a single way round tells full from empty: spans are never empty. */
static int find(const struct window *window, uint64_t len, uint64_t *offset)
{
	const struct window_span *oldest, *newest;
	uint64_t head;

	*offset = 0;
	if (!window->n)
		return 0;
	oldest = span_at(window, 0);
	newest = span_at(window, window->n - 1);
	head = newest->offset + newest->len;
	if (newest->offset >= oldest->offset) {
		if (window->size - head >= len) {
			*offset = head;
			return 0;
		}
		return oldest->offset >= len ? 0 : -EAGAIN;
	}
	*offset = head;
	return oldest->offset - head >= len ? 0 : -EAGAIN;
}

int window_take(struct window *window, uint64_t key, uint64_t len, uint64_t *offset)
{
	uint64_t whole;
	int ret;

	len = len ? len : 1;
	if (len > window->size)
		return -EMSGSIZE;
	ret = find(window, len, offset);
	if (!ret && window->n == window->room)
		ret = grow(window);
	if (ret)
		return ret;
	whole = (len + WINDOW_ALIGN - 1) / WINDOW_ALIGN * WINDOW_ALIGN;
	if (whole > window->size - *offset)
		whole = window->size - *offset;
	window->n++;
	*span_at(window,
		 window->n - 1) = (struct window_span){.key = key, .offset = *offset, .len = whole};
	return 0;
}

static struct window_span *find_span(const struct window *window, uint64_t key)
{
	for (unsigned int i = 0; i < window->n; i++)
		if (span_at(window, i)->key == key && !span_at(window, i)->given)
			return span_at(window, i);
	return NULL;
}

int window_give(struct window *window, uint64_t key)
{
	struct window_span *span = find_span(window, key);

	if (!span)
		return -EINVAL;
	span->given = true;
	while (window->n && span_at(window, 0)->given) {
		window->first = (window->first + 1) % window->room;
		window->n--;
	}
	while (window->n && span_at(window, window->n - 1)->given)
		window->n--;
	return 0;
}

uint64_t window_span_len(const struct window *window, uint64_t key)
{
	const struct window_span *span = find_span(window, key);

	return span ? span->len : 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Words of the command line that become numbers: sizes, lists of queues, kinds of memory. */
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads digits from *@text and moves it past them; strtoull alone would take signs and blanks. */
static bool digits(const char **text, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*number = strtoull(*text, &end, 10);
	*text = end;
	return !errno;
}

bool text_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t number;
	unsigned int shift = 0;

	if (!digits(&text, &number))
		return false;
	if (*text) {
		unit = strchr(units, toupper((unsigned char)*text));
		if (!unit || text[1])
			return false;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (number > UINT64_MAX >> shift)
		return false;
	*bytes = number << shift;
	return true;
}

bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	return digits(&text, number) && !*text && *number >= min && *number <= max;
}

static bool add_queue(struct queue_list *queues, uint64_t queue)
{
	if (!queue || queue > UINT32_MAX || queues->n == QUEUE_LIST_MAX)
		return false;
	for (unsigned int i = 0; i < queues->n; i++)
		if (queues->queue[i] == queue)
			return false;
	queues->queue[queues->n++] = (unsigned int)queue;
	return true;
}

bool text_queues(const char *text, struct queue_list *queues)
{
	queues->n = 0;
	for (;;) {
		uint64_t first, last;

		if (!digits(&text, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!digits(&text, &last) || last < first)
				return false;
		}
		for (uint64_t queue = first; queue <= last; queue++)
			if (!add_queue(queues, queue))
				return false;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

bool text_kind(const char *text, enum devmem_mem_kind *kind)
{
	if (!strcmp(text, "unknown"))
		return false;
	for (unsigned int i = 0; strcmp(devmem_mem_kind_name(i), "unknown"); i++) {
		if (strcmp(devmem_mem_kind_name(i), text))
			continue;
		*kind = i;
		return true;
	}
	return false;
}

void text_kinds(char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; strcmp(devmem_mem_kind_name(i), "unknown") && used < room; i++)
		used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "",
					 devmem_mem_kind_name(i));
}

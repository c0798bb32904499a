// SPDX-License-Identifier: BSD-3-Clause
/* Options' values in a program's command line. */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

uint64_t words_number(struct argp_state *state, const char *name, const char *text, uint64_t min,
		      uint64_t max)
{
	uint64_t value = 0;

	if (!text_number(text, min, max, &value))
		argp_error(state, "%s '%s': give a whole number from %llu to %llu", name, text,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}

uint64_t words_size(struct argp_state *state, const char *name, const char *text, uint64_t min)
{
	uint64_t bytes = 0;

	if (!text_size(text, &bytes) || bytes < min)
		argp_error(state, "%s '%s': give a size such as 8, 64K or 1G", name, text);
	return bytes;
}

void words_kind(struct argp_state *state, const char *text, bool *any, enum devmem_mem_kind *kind)
{
	char kinds[256];

	*any = !strcmp(text, "auto");
	if (*any || text_kind(text, kind))
		return;
	text_kinds(kinds, sizeof(kinds));
	argp_error(state, "--exporter '%s': give auto, %s", text, kinds);
}

char *words_help_filter(int key, const char *text, void *input)
{
	char kinds[256], *whole;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	text_kinds(kinds, sizeof(kinds));
	return asprintf(&whole, "Kinds of memory: %s.\n%s", kinds, text) < 0 ? (char *)text : whole;
}

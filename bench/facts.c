// SPDX-License-Identifier: BSD-3-Clause
/* What a rank is and was told, as NAME=VALUE. */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_entry(struct facts *facts, const char *entry, size_t len)
{
	char *text = realloc(facts->text, facts->size + len + 1);

	if (!text) {
		facts->incomplete = true;
		return;
	}
	memcpy(text + facts->size, entry, len);
	text[facts->size + len] = '\0';
	facts->text = text;
	facts->size += len + 1;
}

void facts_add(struct facts *facts, const char *name, const char *value)
{
	char *entry;
	int len;

	if (!value)
		return;
	len = asprintf(&entry, "%s=%s", name, value);
	if (len < 0) {
		facts->incomplete = true;
		return;
	}
	add_entry(facts, entry, (size_t)len);
	free(entry);
}

void facts_add_number(struct facts *facts, const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	facts_add(facts, name, text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void facts_add_variables(struct facts *facts, char **environ)
{
	const char **found;
	size_t n = 0, max = 0;

	while (environ[max])
		max++;
	found = calloc(max + 1, sizeof(*found));
	if (!found) {
		facts->incomplete = true;
		return;
	}
	for (size_t i = 0; i < max; i++)
		if (strncmp(environ[i], FACTS_VARIABLES, strlen(FACTS_VARIABLES)) == 0 && strchr(environ[i], '='))
			found[n++] = environ[i];
	qsort(found, n, sizeof(*found), compare);
	for (size_t i = 0; i < n; i++)
		add_entry(facts, found[i], strlen(found[i]));
	free(found);
}

const char *facts_next(const struct facts *facts, const char *entry)
{
	const char *next = entry ? entry + strlen(entry) + 1 : facts->text;

	return next && next < facts->text + facts->size ? next : NULL;
}

const char *facts_get(const struct facts *facts, const char *name)
{
	size_t len = strlen(name);

	for (const char *entry = NULL; (entry = facts_next(facts, entry));)
		if (strncmp(entry, name, len) == 0 && entry[len] == '=')
			return entry + len + 1;
	return NULL;
}

/* FNV-1a, but for its beginning. */
uint64_t digest_add(uint64_t digest, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < n; i++)
		digest = (digest ^ byte[i] ^ 0xcbf29ce484222325ULL) * 0x100000001b3ULL;
	return digest;
}

uint64_t facts_digest(const struct facts *facts)
{
	return digest_add(0, facts->text, facts->size);
}

void facts_free(struct facts *facts)
{
	free(facts->text);
	*facts = (struct facts){ 0 };
}

// SPDX-License-Identifier: BSD-3-Clause
/* The plugin's variables as a table (params.def), and the form of their values. */
#include "params_table.h"
#include "params.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NEAR_EDITS 3

const struct param params_table[] = {
#define TEXT(member, name_, value, help_)           \
	{.name = name_,                             \
	 .kind = PARAM_TEXT,                        \
	 .offset = offsetof(struct params, member), \
	 .text = value,                             \
	 .help = help_},
#define NUMBER(member, name_, value, min_, max_, help_) \
	{.name = name_,                                 \
	 .kind = PARAM_NUMBER,                          \
	 .offset = offsetof(struct params, member),     \
	 .number = value,                               \
	 .min = min_,                                   \
	 .max = max_,                                   \
	 .help = help_},
#define CHOICE(member, name_, value, choices_, help_) \
	{.name = name_,                               \
	 .kind = PARAM_CHOICE,                        \
	 .offset = offsetof(struct params, member),   \
	 .number = value,                             \
	 .choices = choices_,                         \
	 .help = help_},
#include "params.def"
#undef TEXT
#undef NUMBER
#undef CHOICE
};

const unsigned int params_count = sizeof(params_table) / sizeof(params_table[0]);

static int parse_number(const struct param *param, const char *value, long *out)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 0);
	if (errno || end == value || *end || number < param->min || number > param->max)
		return -EINVAL;
	*out = number;
	return 0;
}

static int parse_choice(const struct param *param, const char *value, long *out)
{
	const char *choice = param->choices;

	for (long i = 0;; i++) {
		size_t length = strcspn(choice, "|");

		if (strlen(value) == length && !strncasecmp(value, choice, length)) {
			*out = i;
			return 0;
		}
		if (!choice[length])
			return -EINVAL;
		choice += length + 1;
	}
}

int params_parse(const struct param *param, const char *value, long *out)
{
	return param->kind == PARAM_NUMBER ? parse_number(param, value, out)
					   : parse_choice(param, value, out);
}

const char *params_default(const struct param *param, char *text)
{
	const char *choice = param->choices;

	if (param->kind == PARAM_TEXT)
		return param->text;
	if (param->kind == PARAM_NUMBER) {
		snprintf(text, PARAMS_TEXT, "%ld", param->number);
		return text;
	}
	for (long i = 0; i < param->number; i++)
		choice += strcspn(choice, "|") + 1;
	snprintf(text, PARAMS_TEXT, "%.*s", (int)strcspn(choice, "|"), choice);
	return text;
}

const char *params_allowed(const struct param *param, char *text)
{
	if (param->kind == PARAM_TEXT)
		return "text";
	if (param->kind == PARAM_CHOICE)
		return param->choices;
	snprintf(text, PARAMS_TEXT, "%ld to %ld", param->min, param->max);
	return text;
}

/* Levenshtein's distance of short names. */
static unsigned int distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned int row[64];

	if (lb >= sizeof(row) / sizeof(row[0]))
		return ~0u;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int corner = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned int best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *params_nearest(const char *name)
{
	unsigned int best = NEAR_EDITS + 1;
	const char *nearest = "";

	for (unsigned int i = 0; i < params_count; i++) {
		unsigned int edits = distance(name, params_table[i].name);

		if (edits < best) {
			best = edits;
			nearest = params_table[i].name;
		}
	}
	return nearest;
}

static bool known(const char *name)
{
	for (unsigned int i = 0; i < params_count; i++)
		if (!strcmp(params_table[i].name, name))
			return true;
	return false;
}

void params_unknown(char *const *environment,
		    void (*found)(const char *name, const char *nearest, void *arg), void *arg)
{
	for (; *environment; environment++) {
		const char *entry = *environment + strlen(PARAMS_PREFIX);
		char name[PARAMS_NAME];

		if (strncmp(*environment, PARAMS_PREFIX, strlen(PARAMS_PREFIX)))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry, "="), entry);
		if (!known(name))
			found(name, params_nearest(name), arg);
	}
}

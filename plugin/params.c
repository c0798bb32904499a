// SPDX-License-Identifier: BSD-3-Clause
/* The plugin's variables (params.def), read from the environment. */
#include "params.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define PREFIX "NCCL_DEVMEM_"
#define NEAR_EDITS 3

extern char **environ;

enum kind { KIND_TEXT, KIND_NUMBER, KIND_CHOICE };

struct param {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *text;
	long number, min, max;
	const char *choices;
	const char *help;
};

static const struct param table[] = {
#define TEXT(member, name_, value, help_)           \
	{.name = name_,                             \
	 .kind = KIND_TEXT,                         \
	 .offset = offsetof(struct params, member), \
	 .text = value,                             \
	 .help = help_},
#define NUMBER(member, name_, value, min_, max_, help_) \
	{.name = name_,                                 \
	 .kind = KIND_NUMBER,                           \
	 .offset = offsetof(struct params, member),     \
	 .number = value,                               \
	 .min = min_,                                   \
	 .max = max_,                                   \
	 .help = help_},
#define CHOICE(member, name_, value, choices_, help_) \
	{.name = name_,                               \
	 .kind = KIND_CHOICE,                         \
	 .offset = offsetof(struct params, member),   \
	 .number = value,                             \
	 .choices = choices_,                         \
	 .help = help_},
#include "params.def"
#undef TEXT
#undef NUMBER
#undef CHOICE
};

#define N_PARAMS (sizeof(table) / sizeof(table[0]))

static int parse_number(const struct param *param, const char *value, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(value, &end, 0);
	return errno || end == value || *end || *out < param->min || *out > param->max ? -EINVAL
										       : 0;
}

static int parse_choice(const struct param *param, const char *value, long *out)
{
	const char *choice = param->choices;

	for (*out = 0;; (*out)++) {
		size_t length = strcspn(choice, "|");

		if (strlen(value) == length && !strncasecmp(value, choice, length))
			return 0;
		if (!choice[length])
			return -EINVAL;
		choice += length + 1;
	}
}

static int read_one(const struct param *param, struct params *params, log_fn log)
{
	void *member = (char *)params + param->offset;
	char name[64], range[64];
	const char *value;
	int ret = 0;

	snprintf(name, sizeof(name), PREFIX "%s", param->name);
	value = getenv(name);
	if (param->kind == KIND_TEXT) {
		*(const char **)member = value ? value : param->text;
		return 0;
	}
	*(long *)member = param->number;
	if (!value || !*value)
		return 0;
	snprintf(range, sizeof(range), "%ld to %ld", param->min, param->max);
	if (param->kind == KIND_NUMBER)
		ret = parse_number(param, value, member);
	else
		ret = parse_choice(param, value, member);
	if (ret)
		log(LOG_LEVEL_WARN, __func__, __LINE__, "%s=%s cannot be: it takes %s (%s)", name,
		    value, param->kind == KIND_NUMBER ? range : param->choices, param->help);
	return ret;
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

	for (size_t i = 0; i < N_PARAMS; i++) {
		unsigned int edits = distance(name, table[i].name);

		if (edits < best) {
			best = edits;
			nearest = table[i].name;
		}
	}
	return nearest;
}

static bool known(const char *name, size_t length)
{
	for (size_t i = 0; i < N_PARAMS; i++)
		if (strlen(table[i].name) == length && !strncmp(table[i].name, name, length))
			return true;
	return false;
}

static void warn_unknown(log_fn log)
{
	for (char **entry = environ; *entry; entry++) {
		const char *name = *entry + strlen(PREFIX), *nearest;
		char copy[64];
		size_t length;

		if (strncmp(*entry, PREFIX, strlen(PREFIX)))
			continue;
		length = strcspn(name, "=");
		if (known(name, length))
			continue;
		snprintf(copy, sizeof(copy), "%.*s", (int)length, name);
		nearest = params_nearest(copy);
		log(LOG_LEVEL_WARN, __func__, __LINE__,
		    PREFIX "%s is not a variable of this plugin and has no effect%s%s%s", copy,
		    *nearest ? "; did you mean " PREFIX : "", nearest, *nearest ? "?" : "");
	}
}

int params_read(struct params *params, log_fn log)
{
	int ret = 0;

	for (size_t i = 0; i < N_PARAMS; i++)
		if (read_one(&table[i], params, log))
			ret = -EINVAL;
	warn_unknown(log);
	return ret;
}

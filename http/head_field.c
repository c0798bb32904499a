// SPDX-License-Identifier: BSD-3-Clause
/* What one header field of a response means for its head. */
#include "head_field.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Reads decimal digits at *@at, up to INT64_MAX, and moves *@at behind them. */
static bool take_number(const char **at, uint64_t *number)
{
	const char *start = *at;

	*number = 0;
	while (**at >= '0' && **at <= '9') {
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(**at - '0'), number) ||
		    *number > INT64_MAX)
			return false;
		++*at;
	}
	return *at > start;
}

static bool take_char(const char **at, char wanted)
{
	return **at == wanted && *(*at)++;
}

/* f-l, or a star. */
static bool take_range(const char **at, struct head *head)
{
	if (take_char(at, '*'))
		return true;
	head->has_range = true;
	return take_number(at, &head->first) && take_char(at, '-') &&
	       take_number(at, &head->last) && head->first <= head->last;
}

static bool take_total(const char **at, struct head *head)
{
	if (take_char(at, '*'))
		return head->has_range;
	head->has_total = true;
	return take_number(at, &head->total) && (!head->has_range || head->last < head->total);
}

/* "bytes f-l/t", where a star stands for f-l or for t if it is not known. */
static bool take_content_range(struct head *head, const char *value)
{
	const char *at = value + strlen("bytes ");

	if (head->has_range || head->has_total || strncasecmp(value, "bytes ", strlen("bytes ")))
		return false;
	return take_range(&at, head) && take_char(&at, '/') && take_total(&at, head) && !*at;
}

static bool is_token(const char *token, size_t len, const char *wanted)
{
	return len == strlen(wanted) && !strncasecmp(token, wanted, len);
}

/* The next item of a comma list, without its parameters; NULL after the last. */
static const char *next_token(const char **at, size_t *len)
{
	const char *token = *at + strspn(*at, " \t,");

	*len = strcspn(token, " \t,;");
	*at = token + strcspn(token, ",");
	return *token ? token : NULL;
}

static bool take_content_encoding(struct head *head, const char *value)
{
	const char *coding;
	size_t len;

	while ((coding = next_token(&value, &len)))
		head->encoded |= !is_token(coding, len, "identity");
	return true;
}

/* Chunks must be the last coding, and only once. */
static bool take_transfer_encoding(struct head *head, const char *value)
{
	const char *coding;
	size_t len;

	while ((coding = next_token(&value, &len))) {
		if (head->chunked)
			return false;
		head->chunked = is_token(coding, len, "chunked");
		head->encoded |= !head->chunked && !is_token(coding, len, "identity");
	}
	return true;
}

static bool take_retry_after(struct head *head, const char *value)
{
	const char *at = value;
	uint64_t seconds;

	if (!*value || value[strspn(value, "0123456789")])
		return true; /* a date */
	if (!take_number(&at, &seconds) || seconds > UINT_MAX)
		seconds = UINT_MAX;
	head->retry_after_s = (unsigned int)seconds;
	return true;
}

static bool take_location(struct head *head, const char *value)
{
	if (!*head->location)
		snprintf(head->location, sizeof(head->location), "%s", value);
	return true;
}

static void set_validator(struct head *head, const char *value)
{
	if (strlen(value) < sizeof(head->validator))
		strcpy(head->validator, value);
}

static bool is_strong(const char *etag)
{
	size_t len = strlen(etag);

	return len >= 2 && etag[0] == '"' && strchr(etag + 1, '"') == etag + len - 1;
}

static bool take_etag(struct head *head, const char *value)
{
	if (is_strong(value))
		set_validator(head, value);
	return true;
}

static bool take_last_modified(struct head *head, const char *value)
{
	if (*value != '"' && *head->validator != '"')
		set_validator(head, value);
	return true;
}

static const struct {
	const char *name;
	bool (*take)(struct head *head, const char *value);
} fields[] = {
	{"Content-Encoding", take_content_encoding},
	{"Content-Range", take_content_range},
	{"ETag", take_etag},
	{"Last-Modified", take_last_modified},
	{"Location", take_location},
	{"Retry-After", take_retry_after},
	{"Transfer-Encoding", take_transfer_encoding},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < FIELDS && strcasecmp(name, fields[i].name))
		i++;
	return i;
}

bool head_field_known(const char *name)
{
	return find(name) < FIELDS;
}

int head_field(struct head *head, const char *name, const char *value, struct devmem_error *err)
{
	size_t i = find(name);

	if (i == FIELDS || fields[i].take(head, value))
		return 0;
	return devmem_error_set(err, -EPROTO,
				"the server's %s makes no sense, or comes twice: '%.200s'", name,
				value);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Paths as URLs write them: from a request's target to a file's name, and back. */
#include "target.h"

#include <string.h>

struct request_span target_raw_path(const struct request_span *target)
{
	struct http_parser_url url;
	struct request_span path = {0};

	http_parser_url_init(&url);
	if (http_parser_parse_url(target->at, target->len, 0, &url) ||
	    !(url.field_set & (1 << UF_PATH)))
		return path;
	path.at = target->at + url.field_data[UF_PATH].off;
	path.len = url.field_data[UF_PATH].len;
	/* Two slashes in front would be another server's name in a Location. */
	while (path.len > 1 && path.at[1] == '/') {
		path.at++;
		path.len--;
	}
	return path.len && path.at[0] == '/' ? path : (struct request_span){0};
}

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte that stands at @at, of one or of three characters; -1: none that a path may have. */
static int decode(const char *at, size_t left, size_t *taken)
{
	int high, low;

	*taken = 1;
	if (*at != '%')
		return (unsigned char)*at;
	if (left < 3)
		return -1;
	high = hex(at[1]);
	low = hex(at[2]);
	*taken = 3;
	return high < 0 || low < 0 || !(high | low) ? -1 : high << 4 | low;
}

int target_path(const struct request_span *target, char path[TARGET_PATH])
{
	struct request_span raw = target_raw_path(target);
	size_t used = 0, taken;

	if (!raw.at)
		return 400;
	for (size_t i = 1; i < raw.len; i += taken) {
		int byte = decode(raw.at + i, raw.len - i, &taken);

		if (byte <= 0)
			return 400;
		if (!used && byte == '/')
			continue;
		if (used == TARGET_PATH - 1)
			return 404; /* longer than any name can be */
		path[used++] = (char)byte;
	}
	if (!used)
		path[used++] = '.';
	path[used] = '\0';
	return 0;
}

static bool stands_for_itself(char byte)
{
	static const char others[] = "-._~/";

	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || (byte && strchr(others, byte));
}

size_t target_encode(const char *path, char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *end = text;

	for (; *path; path++) {
		if (stands_for_itself(*path)) {
			*end++ = *path;
			continue;
		}
		*end++ = '%';
		*end++ = digits[(unsigned char)*path >> 4];
		*end++ = digits[*path & 15];
	}
	*end = '\0';
	return (size_t)(end - text);
}

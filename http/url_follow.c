// SPDX-License-Identifier: BSD-3-Clause
/* References, of redirects and indexes, resolved against the URL where they stood (RFC 3986, 5.2).
 */
#include "url.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool has_scheme(const char *reference)
{
	const char *at = reference;

	while (isalnum((unsigned char)*at) || (*at && strchr("+-.", *at)))
		at++;
	return *at == ':' && isalpha((unsigned char)*reference);
}

/* Takes the segment that ends at @out away, with its slash. */
static char *remove_last(const char *path, char *out)
{
	while (out > path && *--out != '/')
		;
	return out;
}

/* Removes the segments "." and ".." from the path, as 5.2.4 does, in place: it never grows. */
static void remove_dots(char *target)
{
	char *in = target, *out = target, *end = target + strcspn(target, "?");

	while (in < end) {
		size_t len = 1 + strcspn(in + 1, "/?");
		bool here = len == 2 && in[1] == '.';
		bool up = len == 3 && in[1] == '.' && in[2] == '.';

		if (up)
			out = remove_last(target, out);
		if (!here && !up) {
			memmove(out, in, len);
			out += len;
		} else if (in + len == end) {
			*out++ = '/';
		}
		in += len;
	}
	memmove(out, end, strlen(end) + 1);
}

/* What of @base's target stays before a path or query @reference. */
static int kept(const char *target, const char *reference)
{
	int path = (int)strcspn(target, "?");

	if (*reference == '/')
		return 0;
	if (*reference == '?')
		return path;
	while (target[path - 1] != '/')
		path--;
	return path;
}

static int follow_path(const struct url *base, const char *reference, struct url *url,
		       struct devmem_error *err)
{
	char target[2 * URL_MAX];

	snprintf(target, sizeof(target), "%.*s%s", kept(base->target, reference), base->target,
		 reference);
	if (*reference != '?')
		remove_dots(target);
	if (strlen(target) >= sizeof(url->target))
		return devmem_error_set(err, -EINVAL, "the URL is longer than %d bytes",
					URL_MAX - 1);
	*url = *base;
	strcpy(url->target, target);
	return url_check_length(url, err);
}

static int follow_url(const char *text, struct url *url, struct devmem_error *err)
{
	int ret = url_parse(text, url, err);

	if (!ret)
		remove_dots(url->target);
	return ret;
}

static int resolve(const struct url *base, const char *reference, struct url *url,
		   struct devmem_error *err)
{
	char text[URL_MAX + 8];

	if (has_scheme(reference))
		return follow_url(reference, url, err);
	if (strncmp(reference, "//", 2)) {
		*url = *base;
		return *reference ? follow_path(base, reference, url, err) : 0;
	}
	snprintf(text, sizeof(text), "http:%s", reference);
	return follow_url(text, url, err);
}

int url_follow(const struct url *base, const char *reference, struct url *url,
	       struct devmem_error *err)
{
	char clean[URL_MAX];
	struct url found;
	int ret = url_clean(reference, clean, err);

	if (!ret)
		ret = resolve(base, clean, &found, err);
	if (!ret)
		*url = found;
	return ret;
}

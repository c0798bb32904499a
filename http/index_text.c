// SPDX-License-Identifier: BSD-3-Clause
/* An index of one reference in each line; blanks around it and empty lines do not count. */
#include "index.h"

#include <errno.h>
#include <string.h>

struct lines {
	const struct url *base; /* NULL: lines are whole URLs */
	devmem_index_fn entry;	/* NULL: lines are only checked */
	void *arg;
	size_t number;
	struct devmem_error *err;
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

static int refuse(const struct lines *lines, int code, const char *why)
{
	return devmem_error_set(lines->err, code, "line %zu of the index: %s", lines->number, why);
}

static int take_reference(const struct lines *lines, const char *name)
{
	struct devmem_error why;
	char text[URL_MAX];
	struct url url;
	int ret = lines->base ? url_follow(lines->base, name, &url, &why)
			      : url_parse(name, &url, &why);

	if (ret)
		return refuse(lines, ret, why.text);
	return lines->entry ? lines->entry(lines->arg, name, url_text(&url, text, sizeof(text)))
			    : 0;
}

static int take_line(const struct lines *lines, const char *line, size_t len)
{
	char name[URL_MAX];

	for (; len && is_blank(line[len - 1]); len--)
		;
	for (; len && is_blank(*line); line++)
		len--;
	if (!len || *line == '#')
		return 0;
	if (len >= sizeof(name))
		return refuse(lines, -EINVAL, "it is too long for a URL");
	memcpy(name, line, len);
	name[len] = '\0';
	return take_reference(lines, name);
}

static int take_lines(struct lines *lines, const char *text, size_t len)
{
	int ret = 0;

	for (lines->number = 1; !ret && len; lines->number++) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		size_t whole = line + (end ? 1 : 0);

		ret = take_line(lines, text, line);
		text += whole;
		len -= whole;
	}
	return ret;
}

int index_text(const char *text, size_t len, const struct url *base, devmem_index_fn entry,
	       void *arg, struct devmem_error *err)
{
	struct lines lines = {.base = base, .arg = arg, .err = err};
	int ret = take_lines(&lines, text, len);

	lines.entry = entry;
	return ret ? ret : take_lines(&lines, text, len);
}

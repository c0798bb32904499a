// SPDX-License-Identifier: BSD-3-Clause
/* Which objects are fetched: those of the command line, or of an index, which may be a URL itself.
 */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_MAX (UINT64_C(256) << 20)

int names_add(struct names *names, const char *url)
{
	size_t room = names->room ? 2 * names->room : 64;
	char **urls;

	if (names->n == names->room) {
		urls = realloc(names->urls, room * sizeof(*urls));
		if (!urls)
			return -ENOMEM;
		names->urls = urls;
		names->room = room;
	}
	names->urls[names->n] = strdup(url);
	return names->urls[names->n] ? (names->n++, 0) : -ENOMEM;
}

void names_free(struct names *names)
{
	while (names->n)
		free(names->urls[--names->n]);
	free(names->urls);
	*names = (struct names){0};
}

static int take_name(void *arg, const char *name, const char *url)
{
	return names_add(arg, url);
}

static char *read_file(const char *path, size_t *size, struct devmem_error *err)
{
	FILE *file = fopen(path, "re");
	size_t room = 0;
	char *text = NULL;
	ssize_t n;

	/* The whole of it: no index has a NUL. */
	n = file ? getdelim(&text, &room, '\0', file) : -1;
	if (!file || (n < 0 && !feof(file))) {
		devmem_error_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	} else {
		*size = n > 0 ? (size_t)n : 0;
		text = text ? text : strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

struct buffer {
	char *bytes;
};

/* An index is for the host to read. */
static int find_room(void *arg, uint64_t size, void **dst, struct devmem_error *err)
{
	struct buffer *buffer = arg;

	if (size > INDEX_MAX)
		return devmem_error_set(err, -EFBIG, "an index of more than %u MiB",
					(unsigned int)(INDEX_MAX >> 20));
	free(buffer->bytes);
	buffer->bytes = malloc(size + 1);
	*dst = buffer->bytes;
	return buffer->bytes ? 1 : devmem_error_set(err, -ENOMEM, "out of memory");
}

static char *read_url(struct session *session, const char *url, size_t *size,
		      struct devmem_error *err)
{
	struct devmem_fetch_info info = {0};
	struct devmem_fetch *fetch;
	struct buffer buffer = {0};
	int ret = devmem_fetch_start(session->http, url, find_room, &buffer, &fetch, err);

	while (!ret && devmem_http_progress(session->http))
		ret = session_wait(session, -1);
	if (fetch)
		devmem_fetch_info_get(fetch, &info);
	devmem_fetch_end(fetch);
	if (info.error.code)
		*err = info.error;
	if (!ret && !info.error.code) {
		*size = info.size;
		return buffer.bytes;
	}
	free(buffer.bytes);
	return NULL;
}

bool names_are_remote(const struct options *options)
{
	return options->index && !strncasecmp(options->index, "http://", 7);
}

static int parse(struct names *names, char *text, size_t size, const char *base,
		 struct devmem_error *err)
{
	int ret = devmem_index_parse(text, size, base, take_name, names, err);

	free(text);
	return ret;
}

int names_load(struct names *names, const struct options *options, struct devmem_error *err)
{
	size_t size = 0;
	char *text;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < options->n_urls; i++)
		ret = names_add(names, options->urls[i]);
	if (ret)
		return devmem_error_set(err, ret, "out of memory");
	if (!options->index)
		return 0;
	text = read_file(options->index, &size, err);
	return text ? parse(names, text, size, options->base, err) : err->code;
}

int names_fetch(struct session *session, struct devmem_error *err)
{
	const struct options *options = session->options;
	size_t size = 0;
	char *text = read_url(session, options->index, &size, err);

	if (!text)
		return err->code ? err->code : -EINTR;
	return parse(&session->names, text, size, options->base ? options->base : options->index,
		     err);
}

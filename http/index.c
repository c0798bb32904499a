// SPDX-License-Identifier: BSD-3-Clause
/* Lists of objects: which kind an index is of. */
#include "index.h"

#include <errno.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static bool is_blank(char byte)
{
	return byte && strchr(" \t\r\n", byte);
}

/* Control bytes are no text. */
static bool is_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' && !is_blank(text[i]))
			return false;
	return true;
}

static size_t skip_byte_order_mark(const char *text, size_t len)
{
	size_t mark = strlen(BYTE_ORDER_MARK);

	return len >= mark && !memcmp(text, BYTE_ORDER_MARK, mark) ? mark : 0;
}

int devmem_index_parse(const char *text, size_t len, const char *base, devmem_index_fn entry,
		       void *arg, struct devmem_error *err)
{
	size_t mark = skip_byte_order_mark(text, len), start = mark;
	struct url base_url;
	int ret = base ? url_parse(base, &base_url, err) : 0;

	if (ret)
		return ret;
	while (start < len && is_blank(text[start]))
		start++;
	if (start < len && text[start] == '<' && !base)
		return devmem_error_set(err, -EINVAL,
					"an S3 listing has no URLs: tell the bucket's, too");
	if (start < len && text[start] == '<')
		return index_xml(text + start, len - start, &base_url, entry, arg, err);
	if (!is_text(text + mark, len - mark))
		return devmem_error_set(err, -EPROTO,
					"the index is neither text nor the XML of an S3 listing: "
					"it has control bytes");
	return index_text(text + mark, len - mark, base ? &base_url : NULL, entry, arg, err);
}

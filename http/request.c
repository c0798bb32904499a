// SPDX-License-Identifier: BSD-3-Clause
/* The one request that is sent: GET, of a whole object or of a range of it. */
#include "request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Adds to the @len bytes of @text, and returns how many they are then; @len if that is an error. */
__attribute__((format(printf, 4, 5))) static int add(char *text, size_t room, int len,
						     const char *fmt, ...)
{
	va_list args;
	int more;

	if (len < 0)
		return len;
	va_start(args, fmt);
	more = vsnprintf(text + len, room - (size_t)len, fmt, args);
	va_end(args);
	return (size_t)more < room - (size_t)len ? len + more : -ENOSPC;
}

static int add_range(uint64_t first, uint64_t last, char *text, size_t room, int len)
{
	len = add(text, room, len, "Range: bytes=%" PRIu64 "-", first);
	if (last != UINT64_MAX)
		len = add(text, room, len, "%" PRIu64, last);
	return add(text, room, len, "\r\n");
}

int request_format(const struct url *url, uint64_t first, uint64_t last, bool ranged,
		   const char *if_range, char *text, size_t room)
{
	char authority[URL_AUTHORITY];
	int len = add(text, room, 0,
		      "GET %s HTTP/1.1\r\n"
		      "Host: %s\r\n"
		      "User-Agent: devmem/" DEVMEM_VERSION "\r\n"
		      "Accept: */*\r\n"
		      "Accept-Encoding: identity\r\n"
		      "Connection: keep-alive\r\n",
		      url->target, url_authority(url, authority, sizeof(authority)));

	if (ranged)
		len = add_range(first, last, text, room, len);
	if (ranged && if_range && *if_range)
		len = add(text, room, len, "If-Range: %s\r\n", if_range);
	return add(text, room, len, "\r\n");
}

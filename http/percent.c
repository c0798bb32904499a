// SPDX-License-Identifier: BSD-3-Clause
/* Percent-encoding of bytes that may not stand in a URL (RFC 3986, 2.1). */
#include "percent.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

static bool stays(char byte, const char *keep)
{
	return byte && (strchr(UNRESERVED, byte) || strchr(keep, byte));
}

int percent_encode(const char *from, size_t len, const char *keep, char *to, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		size_t need = stays(from[i], keep) ? 1 : 3;

		if (used + need >= room)
			return -ENOSPC;
		if (need == 1)
			to[used] = from[i];
		else
			snprintf(to + used, need + 1, "%%%02X", (unsigned char)from[i]);
		used += need;
	}
	to[used] = '\0';
	return (int)used;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Percent-encoding of bytes that may not stand in a URL (RFC 3986, 2.1). */
#ifndef DEVMEM_HTTP_PERCENT_H
#define DEVMEM_HTTP_PERCENT_H

#include <stddef.h>

/*
 * Writes @from to @to, with %XX for each byte that is neither a letter, a digit, one of "-._~" nor
 * in @keep. Returns the length of @to without its NUL, or -ENOSPC when it needs more than @room.
 */
int percent_encode(const char *from, size_t len, const char *keep, char *to, size_t room);

#endif

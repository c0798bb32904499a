/* SPDX-License-Identifier: BSD-3-Clause */
/* The one request that is sent: GET, of a whole object or of a range of it. */
#ifndef DEVMEM_HTTP_REQUEST_H
#define DEVMEM_HTTP_REQUEST_H

#include "url.h"

#ifdef __cplusplus
extern "C" {
#endif

#define REQUEST_MAX (URL_MAX + 1024) /* bytes that hold any request */

/*
 * Writes a request for @url to @text, with a NUL after it, and returns its length without that.
 * @ranged: only for bytes @first to @last, both included, or to the end where @last is UINT64_MAX;
 * and where @if_range (NULL or empty: nothing; else a validator as struct head has it) is another
 * than the object's now, for all of it. -ENOSPC: it does not fit in @room bytes.
 */
int request_format(const struct url *url, uint64_t first, uint64_t last, bool ranged,
		   const char *if_range, char *text, size_t room);

#ifdef __cplusplus
}
#endif

#endif

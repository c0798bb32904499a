/* SPDX-License-Identifier: BSD-3-Clause */
/* Which bytes of a file a Range field asks for. */
#ifndef DEVMEMCAT_SERVE_RANGE_H
#define DEVMEMCAT_SERVE_RANGE_H

#include <stdint.h>

#include "request.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads @text, as in bytes=0-99, bytes=100- or bytes=-100, for a file of @size bytes. 206: *@first
 * to *@last, both included, are asked for; 416: the file has none of them; 200: all of it is to be
 * sent, since this is another unit, several ranges, or nothing that can be read.
 */
int range_parse(const struct request_span *text, uint64_t size, uint64_t *first, uint64_t *last);

#ifdef __cplusplus
}
#endif

#endif

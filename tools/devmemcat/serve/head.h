/* SPDX-License-Identifier: BSD-3-Clause */
/* The head of an HTTP response as text. */
#ifndef DEVMEMCAT_SERVE_HEAD_H
#define DEVMEMCAT_SERVE_HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "request.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEAD_ETAG 64
#define HEAD_DATE 32

struct head {
	int status;
	uint64_t length; /* bytes of the body, be it sent or not */
	bool close;
	const char *type;
	const char *etag, *modified;  /* NULL: no file's */
	uint64_t first, last, size;   /* 206: these bytes; 416: size only */
	struct request_span location; /* 301: there, with a slash behind it */
};

/* The words that go with @status. */
const char *head_reason(int status);
void head_date(time_t when, char text[HEAD_DATE]);
void head_etag(uint64_t size, const struct timespec *modified, char text[HEAD_ETAG]);
/* The head with its empty line, and behind it the NUL-terminated @text (may be NULL); of length
 * *@len, to be freed; NULL without memory. */
char *head_make(const struct head *head, const char *text, size_t *len);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The head of a response, read as it comes in pieces of any size. */
#ifndef DEVMEM_HTTP_HEAD_H
#define DEVMEM_HTTP_HEAD_H

#include <http_parser.h>

#include "url.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEAD_MAX (64 << 10) /* bytes of a head, with the interim responses before it */

/* What a head says. No number of bytes is larger than INT64_MAX. */
struct head {
	unsigned int status; /* 200 to 999 */
	char reason[64];     /* printable ASCII; cut where it is longer */
	bool has_length;
	uint64_t length; /* bytes of the body that follows: 0 with status 204 and 304 */
	bool has_range;
	uint64_t first, last; /* bytes of the object, both included */
	bool has_total;
	uint64_t total;	 /* bytes of the whole object, more than last */
	bool chunked;	 /* the body is in chunks; has_length is false then */
	bool encoded;	 /* the body is not the object's bytes, but compressed or the like */
	bool keep_alive; /* the connection takes another request after the body */
	unsigned int retry_after_s; /* seconds; 0 when there is none, or it is a date */
	char location[URL_MAX];	    /* a reference for url_follow(); empty when there is none */
	char validator[256]; /* for If-Range: a strong ETag with its quotes, else Last-Modified;
				empty when there is none, or it is too long */
};

/* Belongs to the caller, needs no release and may be moved between calls. */
struct head_parser {
	struct head head; /* complete once head_feed() says so */
	http_parser http;
	size_t fed;		    /* bytes, at most HEAD_MAX */
	size_t name_len, value_len; /* of the field now read; more than the buffer: it is cut */
	bool in_value;
	char name[32]; /* with a NUL, as value */
	char value[URL_MAX];
	int failed; /* -errno of a callback, and where its text goes */
	struct devmem_error *err;
};

void head_begin(struct head_parser *parser);
/*
 * Reads on, and passes over interim responses (1xx). Returns how many of the @len bytes belong to
 * the head: all of them, or fewer when *@done, and then the rest is of the body. -EPROTO: it is no
 * HTTP/1, or contradicts itself; -EMSGSIZE: the head is longer than HEAD_MAX, or one of the fields
 * that struct head has is longer than URL_MAX. After *@done and errors only head_begin() may
 * follow.
 */
ssize_t head_feed(struct head_parser *parser, const void *bytes, size_t len, bool *done,
		  struct devmem_error *err);

#ifdef __cplusplus
}
#endif

#endif

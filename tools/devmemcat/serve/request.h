/* SPDX-License-Identifier: BSD-3-Clause */
/* The head of an HTTP request, from the first byte that comes to what is asked for. */
#ifndef DEVMEMCAT_SERVE_REQUEST_H
#define DEVMEMCAT_SERVE_REQUEST_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REQUEST_HEAD_BYTES ((size_t)16 << 10)

/* A piece of request.bytes; at is NULL where the head has no such thing. */
struct request_span {
	const char *at;
	size_t len;
};

enum request_method {
	REQUEST_GET,
	REQUEST_HEAD,
	REQUEST_OTHER,
};

/* Read its fields once request_parse() has returned 200. */
struct request {
	enum request_method method;
	bool close; /* no further request comes by this connection */
	struct request_span target, range, if_range;

	/* The parser's own. */
	http_parser parser;
	struct request_span host, name;
	struct request_span *value; /* of the field that is being read; NULL: nobody wants it */
	bool in_value;		    /* a value was read last, not a name */
	bool ended;
	size_t len, parsed; /* bytes that came, and of these that the parser has seen */
	char bytes[REQUEST_HEAD_BYTES];
};

void request_begin(struct request *request);
/* Where the next bytes go: @room of them, 0 when the head is too large. */
char *request_room(struct request *request, size_t *room);
/*
 * Takes @len more bytes, which were written to request_room(). 0: the head is not whole yet; 200:
 * it is; else the status to refuse it with, and the connection is good for nothing more.
 */
int request_parse(struct request *request, size_t len);
/* True when nothing of a next request has come. */
bool request_empty(const struct request *request);
/* Forgets the request and keeps what came after it; request_parse(request, 0) looks at that. */
void request_next(struct request *request);

#ifdef __cplusplus
}
#endif

#endif

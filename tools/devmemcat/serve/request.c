// SPDX-License-Identifier: BSD-3-Clause
/* The head of an HTTP request, from the first byte that comes to what is asked for. */
#include "request.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

static struct request *request_of(http_parser *parser)
{
	return parser->data;
}

/* A piece comes in several calls where it came in several packets. A gap between them is a line
 * that was folded, which no client may send any more. */
static int extend(struct request_span *span, const char *at, size_t len)
{
	if (!span->at)
		*span = (struct request_span){at, 0};
	if (span->at + span->len != at)
		return -1;
	span->len += len;
	return 0;
}

static bool is_named(const struct request_span *span, const char *name)
{
	return span->len == strlen(name) && !strncasecmp(span->at, name, span->len);
}

static struct request_span *wanted(struct request *request)
{
	if (is_named(&request->name, "host"))
		return &request->host;
	if (is_named(&request->name, "range"))
		return &request->range;
	return is_named(&request->name, "if-range") ? &request->if_range : NULL;
}

static int on_target(http_parser *parser, const char *at, size_t len)
{
	return extend(&request_of(parser)->target, at, len);
}

static int on_name(http_parser *parser, const char *at, size_t len)
{
	struct request *request = request_of(parser);

	if (request->in_value)
		request->name = (struct request_span){0};
	request->in_value = false;
	return extend(&request->name, at, len);
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
	struct request *request = request_of(parser);

	if (!request->in_value) {
		request->value = wanted(request);
		if (request->value && request->value->at)
			return -1; /* twice: which one is meant? */
	}
	request->in_value = true;
	return request->value ? extend(request->value, at, len) : 0;
}

/* 1: what may follow the head is no concern of the parser. */
static int on_head(http_parser *parser)
{
	return 1;
}

static bool has_body(const http_parser *parser)
{
	return parser->flags & F_CHUNKED || parser->uses_transfer_encoding ||
	       (parser->content_length && parser->content_length != ULLONG_MAX);
}

static int on_end(http_parser *parser)
{
	struct request *request = request_of(parser);

	request->ended = true;
	request->method = parser->method == HTTP_GET	? REQUEST_GET
			  : parser->method == HTTP_HEAD ? REQUEST_HEAD
							: REQUEST_OTHER;
	/* A body is not read, so what follows it cannot be found. */
	request->close = !http_should_keep_alive(parser) || has_body(parser);
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings callbacks = {
	.on_url = on_target,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_headers_complete = on_head,
	.on_message_complete = on_end,
};

static void begin_head(struct request *request)
{
	struct request_span none = {0};

	request->target = request->range = request->if_range = request->host = request->name = none;
	request->value = NULL;
	request->in_value = request->ended = request->close = false;
	request->method = REQUEST_OTHER;
	request->parsed = 0;
	http_parser_init(&request->parser, HTTP_REQUEST);
	request->parser.data = request;
}

void request_begin(struct request *request)
{
	request->len = 0;
	begin_head(request);
}

char *request_room(struct request *request, size_t *room)
{
	*room = sizeof(request->bytes) - request->len;
	return request->bytes + request->len;
}

static void trim(struct request_span *span)
{
	while (span->len && (span->at[span->len - 1] == ' ' || span->at[span->len - 1] == '\t'))
		span->len--;
}

static int judge(struct request *request)
{
	const http_parser *parser = &request->parser;

	if (parser->http_major != 1)
		return 505;
	if (!request->target.len || (parser->http_minor >= 1 && !request->host.at))
		return 400;
	trim(&request->range);
	trim(&request->if_range);
	return 200;
}

int request_parse(struct request *request, size_t len)
{
	enum http_errno error;

	request->len += len;
	/* No bytes would tell the parser that the connection has ended. */
	if (request->len > request->parsed)
		request->parsed += http_parser_execute(&request->parser, &callbacks,
						       request->bytes + request->parsed,
						       request->len - request->parsed);
	if (request->ended)
		return judge(request);
	error = HTTP_PARSER_ERRNO(&request->parser);
	if (error == HPE_HEADER_OVERFLOW)
		return 431;
	if (error != HPE_OK)
		return 400;
	return request->len == sizeof(request->bytes) ? 431 : 0;
}

bool request_empty(const struct request *request)
{
	return !request->len;
}

void request_next(struct request *request)
{
	request->len -= request->parsed;
	memmove(request->bytes, request->bytes + request->parsed, request->len);
	begin_head(request);
}

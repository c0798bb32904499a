// SPDX-License-Identifier: BSD-3-Clause
/* The head of a response, read as it comes in pieces of any size. */
#include "head.h"

#include <errno.h>
#include <string.h>

#include "head_field.h"

/* An error of a callback: the parser stops, and head_feed() returns it. */
#define fail(parser, code, ...) \
	((parser)->failed = devmem_error_set((parser)->err, code, __VA_ARGS__))

static struct head_parser *parser_of(const http_parser *http)
{
	return http->data;
}

static bool is_interim(const struct head *head)
{
	return head->status < 200;
}

/* Adds to @text what it has room for, with a NUL; *@len counts all. */
static void append(char *text, size_t room, size_t *len, const char *at, size_t more)
{
	if (*len < room) {
		size_t fits = more < room - 1 - *len ? more : room - 1 - *len;

		memcpy(text + *len, at, fits);
		text[*len + fits] = '\0';
	}
	*len += more;
}

static void trim_end(struct head_parser *parser)
{
	size_t len = parser->value_len;

	while (len && strchr(" \t", parser->value[len - 1]))
		parser->value[--len] = '\0';
}

static int end_field(struct head_parser *parser)
{
	if (parser->name_len >= sizeof(parser->name) || !head_field_known(parser->name))
		return 0;
	if (parser->value_len >= sizeof(parser->value))
		return fail(parser, -EMSGSIZE, "the server's %s is longer than %d bytes",
			    parser->name, URL_MAX - 1);
	trim_end(parser);
	parser->failed = head_field(&parser->head, parser->name, parser->value, parser->err);
	return parser->failed;
}

/* Ends the field before, if any. */
static int begin_field(struct head_parser *parser)
{
	int ret = parser->in_value ? end_field(parser) : 0;

	parser->name_len = parser->value_len = 0;
	*parser->name = *parser->value = '\0';
	parser->in_value = false;
	return ret;
}

static int on_status(http_parser *http, const char *at, size_t len)
{
	struct head *head = &parser_of(http)->head;
	size_t used = strlen(head->reason);

	/* For people who read it in a terminal. */
	for (size_t i = 0; i < len && used < sizeof(head->reason) - 1; i++)
		head->reason[used++] = at[i] >= ' ' && at[i] <= '~' ? at[i] : '?';
	head->reason[used] = '\0';
	return 0;
}

static int on_header_field(http_parser *http, const char *at, size_t len)
{
	struct head_parser *parser = parser_of(http);

	if (parser->in_value && begin_field(parser))
		return -1;
	/* Built for speed, as Debian builds it, http_parser lets them pass. */
	if (memchr(at, ' ', len))
		return fail(parser, -EPROTO, "a space in the name of a header field of the server");
	append(parser->name, sizeof(parser->name), &parser->name_len, at, len);
	return 0;
}

static bool is_control(char byte)
{
	return ((unsigned char)byte < ' ' && byte != '\t') || byte == '\x7f';
}

static int on_header_value(http_parser *http, const char *at, size_t len)
{
	struct head_parser *parser = parser_of(http);

	/* http_parser does not look at the first one. */
	for (size_t i = 0; i < len; i++)
		if (is_control(at[i]))
			return fail(parser, -EPROTO,
				    "a control byte in a header field of the server");
	parser->in_value = true;
	append(parser->value, sizeof(parser->value), &parser->value_len, at, len);
	return 0;
}

static int check_start_line(struct head_parser *parser)
{
	const http_parser *http = &parser->http;

	if (http->http_major != 1)
		return fail(parser, -EPROTO, "the server speaks HTTP/%u.%u, not HTTP/1",
			    http->http_major, http->http_minor);
	if (http->status_code < 100 || http->status_code == 101)
		return fail(parser, -EPROTO,
			    "the server answers with status %u, which nobody asked for",
			    http->status_code);
	return 0;
}

static int take_length(struct head_parser *parser)
{
	struct head *head = &parser->head;

	/* http_parser's way to say that there is none. */
	head->has_length = parser->http.content_length != UINT64_MAX;
	head->length = head->has_length ? parser->http.content_length : 0;
	if (head->length > INT64_MAX)
		return fail(parser, -EPROTO, "the server's Content-Length is out of range");
	if (head->status == 206 && head->has_range && head->has_length &&
	    head->length != head->last - head->first + 1)
		return fail(parser, -EPROTO,
			    "the server's Content-Range and Content-Length contradict each other");
	return 0;
}

/* Some statuses have no body, whatever the fields say. */
static void drop_body(struct head *head)
{
	if (head->status != 204 && head->status != 304)
		return;
	head->has_length = true;
	head->length = 0;
	head->chunked = false;
}

static int on_headers_complete(http_parser *http)
{
	struct head_parser *parser = parser_of(http);

	if (begin_field(parser) || check_start_line(parser))
		return -1;
	parser->head.status = http->status_code;
	parser->head.keep_alive = http_should_keep_alive(http);
	if (!is_interim(&parser->head) && take_length(parser))
		return -1;
	drop_body(&parser->head);
	return 1; /* as if there were no body: the message ends with its head */
}

static int on_message_complete(http_parser *http)
{
	http_parser_pause(http, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_status = on_status,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_message_complete = on_message_complete,
};

static void begin_response(struct head_parser *parser)
{
	parser->head = (struct head){0};
	http_parser_init(&parser->http, HTTP_RESPONSE);
	begin_field(parser);
}

void head_begin(struct head_parser *parser)
{
	parser->fed = 0;
	parser->failed = 0;
	parser->in_value = false;
	begin_response(parser);
}

static int end_response(struct head_parser *parser, char last, bool *done)
{
	/* Built for speed, http_parser takes anything for it. */
	if (last != '\n')
		return devmem_error_set(parser->err, -EPROTO,
					"the server's head does not end with an empty line");
	if (is_interim(&parser->head))
		begin_response(parser);
	else
		*done = true;
	return 0;
}

static int refuse(const struct head_parser *parser)
{
	enum http_errno why = HTTP_PARSER_ERRNO(&parser->http);

	if (parser->failed)
		return parser->failed;
	return devmem_error_set(parser->err, -EPROTO, "the server's answer is no HTTP: %s",
				http_errno_description(why));
}

/* At most to the end of one response's head. */
static ssize_t feed_response(struct head_parser *parser, const char *bytes, size_t len, bool *done)
{
	size_t room = HEAD_MAX - parser->fed, n;
	int ret;

	if (!room)
		return devmem_error_set(parser->err, -EMSGSIZE,
					"the head of the server's answer is longer than %d bytes",
					HEAD_MAX);
	n = http_parser_execute(&parser->http, &settings, bytes, len < room ? len : room);
	parser->fed += n;
	switch (HTTP_PARSER_ERRNO(&parser->http)) {
	case HPE_OK:
		return (ssize_t)n;
	case HPE_PAUSED:
		ret = end_response(parser, bytes[n - 1], done);
		return ret ? ret : (ssize_t)n;
	default:
		return refuse(parser);
	}
}

ssize_t head_feed(struct head_parser *parser, const void *bytes, size_t len, bool *done,
		  struct devmem_error *err)
{
	size_t used = 0;

	*done = false;
	parser->err = err;
	parser->http.data = parser;
	while (used < len && !*done) {
		ssize_t n = feed_response(parser, (const char *)bytes + used, len - used, done);

		if (n < 0)
			return n;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

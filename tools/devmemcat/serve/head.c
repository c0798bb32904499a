// SPDX-License-Identifier: BSD-3-Clause
/* The head of an HTTP response as text. */
#include "head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *head_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{416, "Range Not Satisfiable"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

void head_date(time_t when, char text[HEAD_DATE])
{
	struct tm parts;

	gmtime_r(&when, &parts);
	strftime(text, HEAD_DATE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

void head_etag(uint64_t size, const struct timespec *modified, char text[HEAD_ETAG])
{
	snprintf(text, HEAD_ETAG, "\"%" PRIx64 "-%" PRIx64 "-%lx\"", size,
		 (uint64_t)modified->tv_sec, modified->tv_nsec);
}

static void put_file(const struct head *head, FILE *out)
{
	if (head->etag)
		fprintf(out, "ETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n",
			head->etag, head->modified);
	if (head->status == 206)
		fprintf(out, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
			head->first, head->last, head->size);
	if (head->status == 416)
		fprintf(out, "Content-Range: bytes */%" PRIu64 "\r\n", head->size);
}

static void put_refusal(const struct head *head, FILE *out)
{
	if (head->status == 405)
		fprintf(out, "Allow: GET, HEAD\r\n");
	if (head->status == 301)
		fprintf(out, "Location: %.*s/\r\n", (int)head->location.len, head->location.at);
}

char *head_make(const struct head *head, const char *text, size_t *len)
{
	char date[HEAD_DATE], *bytes = NULL;
	FILE *out = open_memstream(&bytes, len);

	if (!out)
		return NULL;
	head_date(time(NULL), date);
	fprintf(out, "HTTP/1.1 %d %s\r\nServer: devmemcat\r\nDate: %s\r\n", head->status,
		head_reason(head->status), date);
	fprintf(out, "Content-Length: %" PRIu64 "\r\nContent-Type: %s\r\n", head->length,
		head->type);
	put_file(head, out);
	put_refusal(head, out);
	fprintf(out, "Connection: %s\r\n\r\n%s", head->close ? "close" : "keep-alive",
		text ? text : "");
	if (!fclose(out))
		return bytes;
	free(bytes);
	return NULL;
}

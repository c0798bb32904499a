// SPDX-License-Identifier: BSD-3-Clause
/* From a request to its response. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"
#include "sockaddr.h"
#include "target.h"

#define TYPE_FILE "application/octet-stream"
#define TYPE_TEXT "text/plain; charset=utf-8"

static void say(const struct client *client, const struct head *head)
{
	const struct request_span *target = &client->request.target;
	char from[SOCKADDR_TEXT];

	if (client->verbose)
		fprintf(stderr, "devmemcat: %s asks for %.*s: %d, %llu bytes\n",
			sockaddr_text(&client->remote, from), (int)target->len,
			target->at ? target->at : "", head->status,
			(unsigned long long)head->length);
}

/* The response begins; @text is its body, unless that is a file's. */
static void begin(struct client *client, struct head *head, const char *text)
{
	struct reply *reply = &client->reply;

	client->state = CLIENT_REPLIES;
	reply->close |= client->request.close;
	head->close = reply->close;
	say(client, head);
	if (client->request.method == REQUEST_HEAD)
		text = NULL;
	reply->head = head_make(head, text, &reply->head_len);
	if (!reply->head)
		client_drop(client);
}

static void refuse(struct client *client, int status)
{
	struct head head = {.status = status, .type = TYPE_TEXT};
	char text[64];

	client->counts->refused++;
	snprintf(text, sizeof(text), "%d %s\n", status, head_reason(status));
	head.length = strlen(text);
	if (status == 416) {
		head.size = client->reply.file->size;
		file_put(client->routes->files, client->reply.file);
		client->reply.file = NULL;
	}
	begin(client, &head, text);
}

/* The part of the file that is asked for. */
static int choose_part(const struct client *client, struct head *head)
{
	const struct request *request = &client->request;
	const struct request_span *wanted = &request->if_range;
	const struct file *file = client->reply.file;

	if (request->method != REQUEST_GET || !request->range.at)
		return 200;
	/* A date is too coarse to tell two states of a file apart. */
	if (wanted->at &&
	    (wanted->len != strlen(file->etag) || strncmp(wanted->at, file->etag, wanted->len)))
		return 200;
	return range_parse(&request->range, file->size, &head->first, &head->last);
}

static void reply_file(struct client *client)
{
	struct reply *reply = &client->reply;
	struct head head = {.type = TYPE_FILE,
			    .etag = reply->file->etag,
			    .modified = reply->file->modified,
			    .size = reply->file->size};

	head.status = choose_part(client, &head);
	if (head.status == 416) {
		refuse(client, 416);
		return;
	}
	reply->end = reply->file->size;
	if (head.status == 206) {
		reply->at = head.first;
		reply->end = head.last + 1;
	}
	head.length = reply->end - reply->at;
	if (client->request.method == REQUEST_HEAD)
		reply->at = reply->end;
	begin(client, &head, NULL);
}

/* A folder's name must end in a slash, or the paths in its list would be taken for its
 * neighbours'. */
static void reply_folder(struct client *client, const char *path)
{
	struct request_span raw = target_raw_path(&client->request.target);
	struct head head = {.status = 301, .type = TYPE_TEXT, .location = raw};
	int ret;

	if (raw.at[raw.len - 1] != '/') {
		begin(client, &head, NULL);
		return;
	}
	ret = listing_open(client->routes->files, path, &client->listing);
	if (ret)
		refuse(client, files_status(ret));
	else
		client->state = CLIENT_LISTS;
}

void client_list(struct client *client)
{
	struct head head = {.status = 200, .type = TYPE_TEXT};
	int ret = listing_step(client->listing);
	const char *text;
	size_t len;

	client->ready = true;
	if (ret > 0)
		return;
	if (ret) {
		refuse(client, ret == -EFBIG ? 500 : files_status(ret));
		return;
	}
	text = listing_text(client->listing, &len);
	head.length = len;
	begin(client, &head, text);
}

void client_reply(struct client *client, int status)
{
	char path[TARGET_PATH];
	int ret = 0;

	client->counts->requests++;
	if (status != 200)
		client->request.close = true;
	else if (client->request.method == REQUEST_OTHER)
		status = 405;
	else
		status = target_path(&client->request.target, path);
	if (!status)
		ret = file_get(client->routes->files, path, &client->reply.file);
	if (status)
		refuse(client, status);
	else if (ret == -EISDIR)
		reply_folder(client, path);
	else if (ret)
		refuse(client, files_status(ret));
	else
		reply_file(client);
}

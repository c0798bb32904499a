// SPDX-License-Identifier: BSD-3-Clause
/* A response on its way: its head from host memory, a file's bytes from the cache. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define AHEAD 4u       /* pieces that are asked of the cache before they can be sent */
#define TURN_PIECES 8u /* sends of one turn, so that no client is served alone */

static struct piece *piece_at(struct client *client, unsigned int i)
{
	return &client->pieces[i % CLIENT_PIECES];
}

static unsigned int held(const struct client *client)
{
	return client->taken - client->freed;
}

void client_reap(struct client *client)
{
	bool moved = false;

	while (devmem_stream_reap(client->stream) > 0) {
		client->counts->completions++;
		moved = true;
	}
	while (client->freed != client->sent) {
		struct piece *piece = piece_at(client, client->freed);

		if (piece->zerocopy && !devmem_stream_sent(client->stream, piece->completion))
			break;
		cache_give(piece->cache, piece->block, held(client));
		client->freed++;
	}
	if (moved)
		client->moved_ms = clock_ms();
}

/* A piece of which the NIC has some already counts as sent. */
static void keep_begun(struct client *client)
{
	struct piece *piece = piece_at(client, client->sent);

	if (client->sent != client->taken && piece->zerocopy)
		client->sent++;
}

void client_give_unsent(struct client *client)
{
	keep_begun(client);
	while (client->taken != client->sent) {
		struct piece *piece = piece_at(client, client->taken - 1);

		cache_give(piece->cache, piece->block, held(client));
		client->taken--;
	}
}

void client_end_reply(struct client *client)
{
	struct reply *reply = &client->reply;

	if (reply->file)
		file_put(client->routes->files, reply->file);
	listing_close(client->listing);
	client->listing = NULL;
	free(reply->head);
	*reply = (struct reply){0};
}

/* Asks the cache for what comes next. 0 or -errno. */
static int take_pieces(struct client *client)
{
	struct reply *reply = &client->reply;
	struct cache *cache = route_cache(client->routes, client->route, client->host, NULL);

	if (!cache)
		return -ENOMEM;
	while (reply->at < reply->end && held(client) < CLIENT_PIECES &&
	       client->taken - client->sent < AHEAD) {
		struct piece *piece = piece_at(client, client->taken);
		uint64_t left = reply->end - reply->at;
		size_t room;

		*piece = (struct piece){.cache = cache,
					.at = reply->at,
					.offset = (size_t)(reply->at % CACHE_BLOCK)};
		room = CACHE_BLOCK - piece->offset;
		piece->len = left < room ? (size_t)left : room;
		piece->block = cache_take(cache, reply->file, reply->at / CACHE_BLOCK,
					  held(client));
		if (!piece->block) {
			client->hungry = true;
			break;
		}
		client->taken++;
		reply->at += piece->len;
	}
	return 0;
}

static ssize_t send_piece(struct client *client, struct piece *piece)
{
	size_t at = cache_offset(piece->cache, piece->block) + piece->offset + piece->sent;
	size_t left = piece->len - piece->sent;
	const struct devmem_mem *mem = piece->cache->mem;
	ssize_t n;

	if (piece->cache == &client->routes->host) {
		n = devmem_stream_send_host(client->stream, (uint8_t *)mem->addr + at, left, false,
					    NULL);
		client->counts->tx_host += n > 0 ? (uint64_t)n : 0;
		return n;
	}
	n = devmem_stream_send_device(client->stream, devmem_binding_id(client->route->binding),
				      mem->dmabuf_offset + at, left, &piece->completion);
	if (n > 0) {
		client->counts->tx_device += (uint64_t)n;
		client->counts->sends++;
		piece->zerocopy = true;
	}
	return n;
}

/* The connection is fine, but its way is not that of the NIC the memory is bound to, or that NIC
 * is gone. */
static bool is_refusal(int code)
{
	return code == -ENODEV || code == -EOPNOTSUPP || code == -EINVAL;
}

/* From here on, the client gets its bytes from host memory. */
static void fall_back(struct client *client, int code)
{
	const struct piece *piece = piece_at(client, client->sent);
	char why[DEVMEM_ERROR_TEXT];

	snprintf(why, sizeof(why),
		 "the kernel refused to send device memory to a client: %s; does its route leave "
		 "by the NIC (ip route get)?",
		 strerror(-code));
	route_warn(client->routes, why);
	client->reply.at = piece->at + piece->sent;
	client->host = true;
	client_give_unsent(client);
	client->ready = true;
}

/* 1: something was sent, 0: nothing can be now, -errno. */
static int send_next(struct client *client)
{
	struct piece *piece = piece_at(client, client->sent);
	ssize_t n;

	if (piece->block->state == BLOCK_FAILED)
		return piece->block->error;
	if (piece->block->state != BLOCK_READY) {
		client->hungry = true;
		return 0;
	}
	n = send_piece(client, piece);
	if (n == -EAGAIN)
		return 0;
	if (n < 0 && !client->host && is_refusal((int)n)) {
		fall_back(client, (int)n);
		return 0;
	}
	if (n < 0)
		return (int)n;
	piece->sent += (size_t)n;
	client->sent += piece->sent == piece->len;
	return 1;
}

static int send_head(struct client *client)
{
	struct reply *reply = &client->reply;
	ssize_t n;

	while (reply->head_sent < reply->head_len) {
		n = devmem_stream_send_host(client->stream, reply->head + reply->head_sent,
					    reply->head_len - reply->head_sent, false, NULL);
		if (n <= 0)
			return n == -EAGAIN ? 0 : (int)n;
		reply->head_sent += (size_t)n;
		client->counts->tx_heads += (uint64_t)n;
		client->moved_ms = clock_ms();
	}
	return 1;
}

static int send_file(struct client *client)
{
	int ret = take_pieces(client);

	for (unsigned int i = 0; !ret && i < TURN_PIECES && client->sent != client->taken; i++) {
		ret = send_next(client);
		if (ret <= 0)
			return ret;
		client->moved_ms = clock_ms();
		ret = take_pieces(client);
	}
	if (ret)
		return ret;
	if (client->sent == client->taken && client->reply.at == client->reply.end)
		return 1;
	client->ready = client->sent != client->taken;
	return 0;
}

int client_send(struct client *client)
{
	int ret = send_head(client);

	return ret > 0 && client->reply.file ? send_file(client) : ret;
}

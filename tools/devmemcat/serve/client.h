/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of a client: requests in, responses out, in turn. */
#ifndef DEVMEMCAT_SERVE_CLIENT_H
#define DEVMEMCAT_SERVE_CLIENT_H

#include "listing.h"
#include "request.h"
#include "route.h"

#define CLIENT_PIECES 32u /* blocks that one client may have at once */

enum client_state {
	CLIENT_READS,	/* waits for a request */
	CLIENT_LISTS,	/* a folder is gone through for it */
	CLIENT_REPLIES, /* a response is sent */
	CLIENT_LINGERS, /* all is said: its end is waited for, lest it lose what it has not read */
	CLIENT_LEAVES,	/* the connection is over; what was sent is not acknowledged yet */
	CLIENT_GONE,	/* nothing of it is left in the kernel */
};

/* A stretch of a file on its way: wanted, sent, acknowledged. */
struct piece {
	struct cache *cache;
	struct cache_block *block;
	uint64_t at;		  /* in the file */
	size_t offset, len, sent; /* of the block */
	bool zerocopy;		  /* some of it was sent by the NIC, as @completion tells */
	uint32_t completion;
};

struct reply {
	char *head; /* with the body, where that is text */
	size_t head_len, head_sent;
	struct file *file; /* NULL: no body from a file */
	uint64_t at, end;  /* bytes of it that are not asked of the cache yet */
	bool close;
};

struct serve_counts {
	uint64_t clients, requests, refused, dropped;
	uint64_t tx_device, tx_host, tx_heads; /* bytes */
	uint64_t sends;			       /* calls that took bytes of device memory */
	uint64_t completions;		       /* notifications that those are acknowledged */
};

struct client {
	struct devmem_stream *stream;
	struct routes *routes;
	struct route *route;
	struct serve_counts *counts;
	struct sockaddr_storage remote;
	enum client_state state;
	bool ready;  /* it may be able to move */
	bool hungry; /* it waits for the cache */
	bool host;   /* its way is not the NIC's: it is sent to from host memory */
	bool verbose;
	int64_t moved_ms; /* when something moved last */
	struct listing *listing;
	struct reply reply;
	/* Pieces are used in turn: freed <= sent <= taken <= freed + CLIENT_PIECES. */
	unsigned int taken, sent, freed;
	struct piece pieces[CLIENT_PIECES];
	struct request request;
};

/* Takes @fd over. NULL with @err. */
struct client *client_open(int fd, struct routes *routes, struct route *route,
			   struct serve_counts *counts, struct devmem_error *err);
/* Its sends must be acknowledged (CLIENT_GONE), or the caches end with it. */
void client_close(struct client *client);
/* Moves it as far as it goes in one turn, without waiting; ready tells whether there is more. */
void client_step(struct client *client);
/* Ends the connection at once: the peer sees a reset. */
void client_drop(struct client *client);
/* No further request is taken; a response that has begun goes on. */
void client_finish(struct client *client);

/* Makes the response to client->request, or to what is wrong with it (client_reply.c). */
void client_reply(struct client *client, int status);
/* Goes on with a folder's list. */
void client_list(struct client *client);
/* Sends what there is of the response. 1: all was taken; 0: not yet; -errno (client_send.c). */
int client_send(struct client *client);
/* Notes acknowledgements, and gives their blocks back. */
void client_reap(struct client *client);
/* Gives back what was not sent. */
void client_give_unsent(struct client *client);
/* Frees the response. */
void client_end_reply(struct client *client);

#endif

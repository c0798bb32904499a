/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of libdevmem-http.
 *
 * A client has links, one for each connector, and fetches, oldest first. A fetch is cut into parts
 * (ranges of the object); each turn, idle links take the next parts (schedule.c), and every link
 * that can move is moved (link.c, link_head.c, link_body.c). What a response's head means for its
 * fetch is decided in answer.c; what becomes of a part whose connection broke, in fetch.c.
 */
#ifndef DEVMEM_HTTP_CLIENT_H
#define DEVMEM_HTTP_CLIENT_H

#include "devmem_http.h"
#include "gather.h"
#include "head.h"
#include "origin.h"
#include "request.h"
#include "url.h"

#define HEAD_PIECE 4096u /* bytes of a head that are read back at once */
#define HEAD_FRAGS 32u	 /* fragments of a receive call while a head is awaited */
#define BOUNCE_BYTES (1u << 20)
#define DISCARD_MAX (64u << 10) /* a longer body that nobody wants costs more than a connection */
#define TEXT_MAX 160

/* A range of an object that is to be requested, or is under way. */
struct part {
	struct part *next; /* of the fetch's that wait */
	struct devmem_fetch *fetch;
	uint64_t first, end;   /* end: one past the last byte; UINT64_MAX until the size is known */
	uint64_t got;	       /* bytes after first that went to the copy engine */
	unsigned int tries;    /* that brought nothing */
	int64_t not_before_ms; /* when it may be requested again */
};

struct devmem_fetch {
	struct devmem_fetch *next;
	uint64_t number; /* of older ones it is smaller */
	struct devmem_http *http;
	struct url url;
	char text[URL_MAX]; /* of url */
	struct origin *origin;
	devmem_fetch_room_fn room;
	void *arg;
	struct devmem_fetch_info info;
	bool placed;	       /* room was given for this size */
	bool ranged;	       /* the server has answered with a range */
	bool unranged;	       /* the server wants to be asked for all of it */
	char validator[256];   /* of the answers so far; empty when there is none */
	unsigned int restarts; /* since the last redirect */
	uint64_t next_first;   /* no part was made yet of what is from here on */
	struct part *waiting;
	unsigned int active; /* parts on links */
	struct gather_owner copies;
};

enum link_state {
	LINK_CLOSED,
	LINK_CONNECTING, /* until the socket is writable */
	LINK_IDLE,	 /* connected, without a part */
	LINK_SENDING,	 /* the request, until the socket has taken it */
	LINK_HEAD,	 /* the answer's head, read back piece by piece */
	LINK_ROOM,	 /* the head is there, but room is not; nothing is received */
	LINK_BODY,
	LINK_DISCARD, /* a body that nobody wants */
	LINK_ENDING,  /* given up; copies are under way that read what it received */
};

struct link {
	struct devmem_http *http;
	unsigned int number; /* of its connector */
	enum link_state state;
	struct devmem_stream *stream;
	struct origin *origin;
	struct part *part;
	uint32_t events; /* that epoll waits for; 0: it does not */
	bool ready;	 /* epoll has told of it */
	bool reused;	 /* this is not the connection's first request */
	bool answered;	 /* a byte of the answer has come */
	bool progressed; /* a byte of the body has come */
	int64_t deadline_ms;
	char request[REQUEST_MAX];
	size_t request_len, request_sent;
	struct head_parser head;
	uint64_t left; /* bytes of the body that have not come */
	/* Fragments received and not used yet; used bytes of the first are. */
	struct devmem_frag frags[HEAD_FRAGS];
	unsigned int first_frag, n_frags;
	uint32_t used;
	uint8_t *page;	   /* HEAD_PIECE bytes of staging memory */
	uint32_t page_len; /* bytes on their way there, or there */
	bool reading;	   /* they are on their way */
	uint64_t read_fence;
	struct gather gather;
};

struct devmem_http {
	struct devmem_nic nic;
	struct devmem_exporter *exporter;
	struct devmem_http_options options; /* no zeroes */
	struct devmem_mem *pool;	    /* NULL: host memory, by ordinary sockets */
	struct devmem_port *port;
	size_t receive_buffer;
	struct link *links;
	unsigned int n_links;
	struct devmem_fetch *fetches; /* oldest first, ended ones too */
	uint64_t next_number;
	struct origin *origins;
	int epoll, timer;
	int64_t alarm_ms; /* when the timer goes off, 0: never */
	struct devmem_http_stats stats;
};

/* ---- client.c */
/* Something is to be done of which no socket tells. */
void http_wake(struct devmem_http *http);

/* ---- link.c: a connection from begin to end */
/* Takes @part, connecting first where that is needed. */
void link_take(struct link *link, struct part *part);
/* Moves on as far as it goes. */
void link_progress(struct link *link);
/* The connection is of no more use; @code and @why tell the reason for the part, if there is one.
 */
void link_broken(struct link *link, int code, const char *why);
/* Gives the connection up, and what its part was about, which the caller looks after. */
void link_drop(struct link *link);
/* The part is done with: the connection waits for another, if it still can. */
void link_next(struct link *link, bool keep);
/* Adds what its stream has counted. */
void link_count(const struct link *link, struct devmem_http_stats *to);
void link_wait(struct link *link, uint32_t events);
void link_expect(struct link *link); /* a byte from the server, in time */
void link_state(struct link *link, enum link_state state);
/* 1: bytes have come, *@n fragments of at most @want bytes; 0: none now; -1: link_broken(). */
int link_receive(struct link *link, size_t want, struct devmem_frag *frags, unsigned int *n);
/* Where a received fragment's bytes are for the copy engine. */
const uint8_t *link_bytes(const struct link *link, const struct devmem_frag *frag);
void link_token_back(struct link *link, const struct devmem_frag *frag);

/* ---- link_head.c, link_body.c: true when something moved */
void link_head_begin(struct link *link);
bool link_head_progress(struct link *link);
bool link_room_progress(struct link *link);
bool link_body_progress(struct link *link);
bool link_discard_progress(struct link *link);

/* ---- answer.c: the head of a part's answer is complete; decides and sets the link's state. */
void answer(struct link *link);
/* Discards @link's body if that is cheap, else ends the connection. */
void answer_discard(struct link *link);

/* ---- fetch.c */
/* A part's connection broke, or the server wants it to be asked again; frees a part of a fetch that
 * has failed. @counts: it is a try. */
void fetch_retry(struct part *part, bool counts, unsigned int after_ms, int code, const char *why);
void fetch_fail(struct devmem_fetch *fetch, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The object is another one now, or elsewhere: begins anew. */
void fetch_restart(struct devmem_fetch *fetch);
void fetch_redirect(struct devmem_fetch *fetch, const char *location);
/* All bytes of the part went to the copy engine. */
void fetch_part_done(struct part *part);
/* Ends it where nothing is left to do. True: it has failed now, and given up its connections. */
bool fetch_settle(struct devmem_fetch *fetch);
/* A part can be requested now; else *@soon_ms as below. */
bool fetch_has_part(const struct devmem_fetch *fetch, int64_t now_ms, int64_t *soon_ms);
/* The part to be requested next, taken out of its line; NULL: none now. *@soon_ms becomes the time
 * when one may be, if that is sooner. */
struct part *fetch_next_part(struct devmem_fetch *fetch, int64_t now_ms, int64_t *soon_ms);

/* ---- schedule.c */
/* Gives parts to idle links. */
void schedule(struct devmem_http *http, int64_t now_ms, int64_t *soon_ms);

#endif

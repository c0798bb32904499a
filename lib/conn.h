/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection that carries messages one way: a control socket for records and small or host-bound
 * payload, and, when the receiver has a pool, a data stream whose payload the NIC puts into device
 * memory.
 *
 * Messages are received in the order in which they were sent. A connection is used by one thread at
 * a time.
 */
#ifndef DEVMEM_CONN_H
#define DEVMEM_CONN_H

#include "device.h"
#include "devmem_wire.h"
#include "sockaddr.h"

#define CONN_REQUESTS 32
#define CONN_PIECES 512
#define CONN_BOUNCE (256 * 1024)

enum request_state {
	REQUEST_FREE,
	REQUEST_QUEUED, /* bytes are still to be moved */
	REQUEST_MOVED,	/* all bytes are moved; the kernel or the copy engine still uses them */
};

struct request {
	struct conn *conn;
	enum request_state state;
	uint32_t seq;
	uint8_t *addr;
	size_t room; /* of the buffer */
	size_t len;  /* of the message; known from the record when receiving */
	size_t moved;
	const struct region *region; /* NULL: host memory */
	bool announced;		     /* its record was written, or read */
	enum wire_via via;
	bool zerocopy;	     /* completion counts */
	uint32_t completion; /* the last send of the message */
	uint64_t fence;	     /* the last copy of the message */
	void *profiled;	     /* the plugin's, for NCCL's profiler: what the message belongs to */
	void *event;	     /* ... and what the profiler made of it */
};

/* A token whose fragment the copy engine may still read. */
struct held_token {
	uint64_t fence;
	uint32_t token;
};

/* What a connection did, beyond what its data stream counts itself. */
struct conn_counts {
	uint64_t tx_device, tx_copied, tx_staged;
	uint64_t rx_plain; /* payload that came on the control socket */
	uint64_t placed;
	uint64_t sends, recvs;
};

struct conn {
	struct device *device;
	struct pool *pool; /* receiver: where data comes from; NULL without a data stream */
	bool sender;
	int control;
	struct devmem_stream *data; /* NULL: all payload is inline */
	char peer[SOCKADDR_TEXT];
	int error;	 /* 0, or the -errno that ended it */
	bool mode_known; /* sent, or received */
	enum wire_mode mode;
	bool fin; /* the sender has closed */

	struct request requests[CONN_REQUESTS];
	uint32_t posted;    /* the next sequence number */
	uint32_t current;   /* the first whose bytes are not all moved */
	uint32_t announced; /* sender: the first whose record is not written */

	uint8_t out[CONN_REQUESTS * WIRE_RECORD_BYTES]; /* records to send */
	size_t out_len;
	uint8_t in[4096]; /* control bytes read and not yet used */
	size_t in_start, in_end;
	uint8_t *bounce;   /* host bytes on their way to or from memory that the CPU cannot reach */
	size_t bounce_len; /* sender: staged bytes not yet sent */
	size_t bounce_start;
	uint64_t bounce_fence; /* the copy that fills (sender) or empties (receiver) a bounce buffer
				*/
	bool bounce_busy;

	struct devmem_copy pieces[CONN_PIECES]; /* receiver: a gather list that the copy engine has
						   not taken yet */
	uint32_t piece_tokens[CONN_PIECES];
	unsigned int n_pieces, n_piece_tokens;
	bool pieces_from_bounce;
	struct held_token *held; /* ring of 1 << held_order */
	unsigned int held_order, held_first, n_held;
	unsigned int idle;	   /* progress calls that moved nothing */
	struct conn_counts counts; /* added to the process' totals at close */
};

/* Takes over the sockets, also on failure. @data_fd -1: none. @pool: receiver with a data stream.
 */
int conn_new(struct device *device, bool sender, int control, int data_fd, struct pool *pool,
	     const struct sockaddr_storage *peer, struct conn **conn, struct devmem_error *err);
/* Ends the connection, whatever is under way. What was sent is still delivered. */
void conn_close(struct conn *conn);

/*
 * Posts a message or a buffer for one. 0 with *@request NULL: 32 are under way, try later. @region
 * covers @addr, NULL for host memory. -errno of the connection when it is broken.
 */
int conn_post(struct conn *conn, void *addr, size_t size, const struct region *region,
	      struct request **request);
/* Moves the connection along. 1 when @request is done, which then is free, with its message's
 * *@len; 0 not yet; -errno. */
int conn_test(struct request *request, size_t *len);

/* conn_send.c, conn_recv.c: move what can be moved without blocking; 1 when something moved, 0, or
 * -errno. */
int conn_send_progress(struct conn *conn);
int conn_recv_progress(struct conn *conn);
bool conn_send_complete(struct conn *conn, const struct request *request);
int conn_recv_complete(struct conn *conn, const struct request *request);

/* conn.c, for both: notes the end of the connection once, with what led to it; returns @code. */
int conn_fail(struct conn *conn, int code, const char *what);
/* Appends a record to those to be sent. */
void conn_put_record(struct conn *conn, enum wire_record_type type, enum wire_via via, uint32_t seq,
		     uint64_t len);
/* Sends pending records. 1 when none is left, 0 when the socket is full, -errno. */
int conn_flush(struct conn *conn);
/* Reads control bytes: 1 some came, 0 none there, -ECONNRESET at the end of the stream. */
int conn_fill(struct conn *conn);
/* The next record if it is there: 1, 0, -errno. */
int conn_get_record(struct conn *conn, struct wire_record *record);
/* True when the CPU can read and write the memory of @region. */
bool conn_cpu_reaches(const struct conn *conn, const struct region *region);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection that carries messages one way: a control socket for records and host-bound payload,
 * and, when the receiver has a pool, data streams whose payload the NIC puts into device memory.
 *
 * Messages are received in the order in which they were sent. A connection is used by one thread at
 * a time.
 */
#ifndef DEVMEM_CONN_H
#define DEVMEM_CONN_H

#include "budget.h"
#include "device.h"
#include "devmem_wire.h"
#include "place.h"
#include "chunk_sched.h"
#include "sockaddr.h"
#include "stage.h"
#include "unpack.h"

#define CONN_REQUESTS 32
#define CONN_GRANTS 64 /* messages that a peer may have posted or granted: its 32, and ours */
#define CONN_CHUNKS 64 /* of one stream, announced and not done */
#define CONN_BOUNCE (256 * 1024)
#define CONN_RECEIVE (2 * 1024 * 1024) /* bytes of one receive call on a data stream */

struct request {
	struct conn *conn;
	bool busy; /* posted, and not yet tested to its end, or not yet consumed */
	uint32_t seq;
	uint8_t *addr;
	size_t room;		     /* of the buffer */
	size_t len;		     /* of the message; known from the record when receiving */
	const struct region *region; /* NULL: host memory */
	bool announced;		     /* its record was written, or read */
	enum wire_via via;
	unsigned int stream; /* that carries the first of its bytes, unless inline */
	size_t assigned;     /* bytes that a stream is to carry, as announced */
	size_t moved;	     /* bytes that a socket has taken or given */
	size_t granted;	     /* receiver: bytes that the sender may send */
	unsigned int pages;  /* receiver: of the pool, reserved for it */
	unsigned int chunks; /* sender: under way */
	bool zerocopy;	     /* sender, inline: completion counts */
	bool lent; /* inline: the receiver reads the sender's memory until it says TAKEN */
	uint32_t completion;
	bool in_list;	/* receiver: has pieces that the copy engine was not given yet */
	bool copied;	/* receiver: the fence counts */
	uint64_t fence; /* receiver: the last copy of the message */
	bool unpack;	/* receiver: the device's kernels place what they can be told of */
	bool done;	/* receiver: tested to its end */
	void *profiled; /* the plugin's, for NCCL's profiler: what the message belongs to */
	void *event;	/* ... and what the profiler made of it */
};

/* Sender: a piece of a message on one stream. */
struct tx_chunk {
	struct request *request;
	size_t offset, len, sent;
	size_t staged; /* bytes given to the copy engine */
	bool zerocopy; /* completion counts */
	uint32_t completion;
};

struct tx_stream {
	struct tx_chunk chunks[CONN_CHUNKS];
	uint32_t first;	 /* the oldest chunk that is not acknowledged */
	uint32_t next;	 /* the first of which the socket has not taken everything */
	uint32_t filled; /* the first of which not everything is staged */
	uint32_t end;
	bool copies; /* bytes of host memory were sent, of which no notification tells */
	struct stage stage;
};

/* Receiver: the next bytes of a stream belong there. */
struct rx_chunk {
	uint32_t seq;
	size_t offset, len, got;
};

struct rx_stream {
	struct rx_chunk chunks[CONN_CHUNKS];
	uint32_t first, end;
	bool dry;	  /* gave less than was asked for: this call need not ask again */
	bool bounce_busy; /* the copy engine reads the bounce buffer until the fence */
	uint64_t bounce_fence;
};

/* What a receiver has said about a message. */
struct tx_grant {
	uint32_t seq;
	bool known;
	enum wire_via via;
	uint64_t bytes;
};

/* What a connection did, beyond what its data streams count themselves. */
struct conn_counts {
	uint64_t tx_device, tx_copied, tx_staged;
	uint64_t rx_plain;	   /* payload that came on the control socket */
	uint64_t placed, unpacked; /* by the copy engine; by the device's kernels */
	uint64_t sends, recvs;
};

struct conn {
	struct device *device;
	struct pool *pool;	   /* receiver: where data comes from; NULL without data streams */
	struct budget_share share; /* receiver: of the pool */
	bool sender;
	bool looped; /* sender: to this host, past the NIC, which then reads no device memory */
	int control_fd;
	struct devmem_stream *control;
	unsigned int n_streams; /* 0: all payload is inline */
	struct devmem_stream *streams[WIRE_STREAMS];
	struct tx_stream *tx;		       /* sender: of each stream */
	struct rx_stream *rx;		       /* receiver: of each stream */
	struct sched_load loads[WIRE_STREAMS]; /* sender */
	unsigned int last_stream;
	size_t lend_below;	/* sender: shorter messages in host memory are lent, not copied */
	bool lend_full;		/* sender: the socket had no room when it was last tried */
	bool lend_asked;	/* sender: lend_below is known */
	unsigned int lent;	/* sender: messages that the receiver has not TAKEN */
	unsigned int borrowed;	/* receiver: messages for which it has yet to say TAKEN */
	uint32_t last_borrowed; /* ... and the last of them */
	bool reaped;		/* sender: this call has looked at what is acknowledged */
	bool starved;		/* sender: something waits for a grant */
	char peer[SOCKADDR_TEXT];
	int error; /* 0, or the -errno that ended it */

	struct request requests[CONN_REQUESTS];
	uint32_t posted;	 /* the next sequence number */
	uint32_t ended;		 /* how many were tested to their end */
	uint32_t current;	 /* the first whose bytes are not all moved */
	uint32_t announced;	 /* the first whose record is not written, or not read */
	uint32_t granting;	 /* receiver: the first that is not granted in full */
	struct request *inlined; /* the message whose bytes are next on the control socket */
	struct request *opened;	 /* announced, with chunks yet to be told */
	struct tx_grant grants[CONN_GRANTS]; /* sender: of message seq at seq % CONN_GRANTS */
	int end_of_control; /* receiver: 0, or the -errno with which control ended; streams may
			       still have what was announced */

	uint8_t out[8192]; /* records and small messages to send */
	size_t out_len;
	uint8_t in[4096]; /* control bytes read and not yet used */
	size_t in_start, in_end;
	bool control_dry; /* gave less than was asked for: this call need not ask again */

	struct stage stage; /* sender: of inline bytes */
	size_t staged;	    /* bytes of the inlined message given to the copy engine */
	uint8_t *bounce; /* receiver: inline bytes on their way to memory that the CPU cannot reach
			  */
	bool bounce_staging; /* of the exporter's staging memory, else of malloc */
	bool bounce_busy;
	uint64_t bounce_fence;
	struct place place;    /* receiver */
	struct unpack *unpack; /* receiver: shared with the device's kernels; NULL: they place
				  nothing */
	uint32_t consumed;     /* ... and the first message that they have not consumed */
	bool bounce_in_list;
	uint32_t streams_in_list; /* bit i: the list has pieces of stream i's bounce buffer */
	unsigned int idle;	  /* progress calls that moved nothing */
	struct conn_counts counts;
	struct stat_totals told; /* what the process' totals have of it */
	unsigned int ticks;	 /* the plugin's, for telling now and then */
	int64_t told_ms;
};

/* Everything that a connection is made of. Sockets are taken over, also on failure. */
struct conn_parts {
	bool sender;
	int control_fd;
	unsigned int n_streams;
	int stream_fds[WIRE_STREAMS];
	struct pool *pool;	   /* receiver with data streams */
	struct budget_share share; /* receiver: given back at the end, also on failure */
	const struct sockaddr_storage *peer;
};

int conn_new(struct device *device, const struct conn_parts *parts, struct conn **conn,
	     struct devmem_error *err);
/* Brings the process' totals up to date with what the connection has done. */
void conn_tell(struct conn *conn);
/* Ends the connection, whatever is under way. What was sent is still delivered. */
void conn_close(struct conn *conn);

/*
 * Posts a message or a buffer for one. 0 with *@request NULL: 32 are under way, try later. @region
 * covers @addr, NULL for host memory. -errno of the connection when it is broken.
 */
int conn_post(struct conn *conn, void *addr, size_t size, const struct region *region,
	      struct request **request);
/* Sends what was posted if nothing else is under way, since the caller may not test before it has
 * done other things; else the next conn_test() does, with fewer system calls. 0 or -errno. */
int conn_begin(struct conn *conn);
/* Moves the connection along. 1 when @request is done, which then is free, with its message's
 * *@len; 0 not yet; -errno. */
int conn_test(struct request *request, size_t *len);

/* conn_send.c, conn_recv.c: move what can be moved without blocking; 1 when something moved, 0, or
 * -errno. */
int conn_send_progress(struct conn *conn);
int conn_recv_progress(struct conn *conn);
/* conn_send.c: takes notice of what the peer has acknowledged, once in a call. 0 or -errno. */
int conn_reap(struct conn *conn);
/* Whether the caller may have the buffer: 1, 0, -errno. */
int conn_send_complete(struct conn *conn, struct request *request);
int conn_recv_complete(struct conn *conn, struct request *request);

static inline struct request *conn_request(struct conn *conn, uint32_t seq)
{
	return &conn->requests[seq % CONN_REQUESTS];
}

/* True when the CPU can read and write the memory of @region. */
bool conn_cpu_reaches(const struct conn *conn, const struct region *region);

/*
 * conn_lend.c, sender: whether the message, inline, had better be lent; sends bytes of one that is,
 * with its record: how many of them, or -errno, -EOPNOTSUPP when it is to be copied after all;
 * notes what the receiver says: 1 or -EPROTO.
 */
bool conn_may_lend(struct conn *conn, const struct request *request);
ssize_t conn_send_lent(struct conn *conn, const uint8_t *bytes, size_t n);
int conn_note_taken(struct conn *conn, const struct wire_record *record);
/* conn_lend.c, receiver: all bytes of a lent message were read, and are what was sent: 1 or
 * -ECONNRESET. */
int conn_note_borrowed(struct conn *conn, const struct request *request);
/* Tells the sender of those, unless more is to come: then calls go on. 1, 0 when the socket is
 * full, -errno. */
int conn_say_taken(struct conn *conn, bool at_once);

/* conn_fail.c: notes the end of the connection once, tells the user and the peer what led to it;
 * returns @code. */
int conn_fail(struct conn *conn, int code, const char *what);
/* The peer has told why it ends the connection. */
int conn_aborted(struct conn *conn, const struct wire_record *record, const char *text);

/* conn_control.c: appends a record to those to be sent; false when there is no room now. */
bool conn_put_record(struct conn *conn, const struct wire_record *record);
/* Sends pending records. 1 when none is left, 0 when the socket is full, -errno. */
int conn_flush(struct conn *conn);
/* The same, when bytes of a message follow at once: they may share a segment. */
int conn_flush_before_bytes(struct conn *conn);
/* Reads control bytes: 1 some came, 0 none there, -ECONNRESET at the end of the stream. */
int conn_fill(struct conn *conn);
/* The next record if it is there, never an ABORT: 1, 0, -errno. Reads the socket when @fill. */
int conn_get_record(struct conn *conn, bool fill, struct wire_record *record);

/* conn_recv.c: gives the kernel all tokens whose fragments are read, and the pool their pages. 0 or
 * -errno. */
int conn_return_tokens(struct conn *conn);

/*
 * conn_unpack.c: from the first message on, the device's kernels place payload, told by *@handle.
 * Then a request stays until conn_consumed(), and 16 are the most at a time. -ENOMEM.
 */
int conn_use_unpack(struct conn *conn, uintptr_t base, struct nccl_unpack_handle **handle,
		    struct devmem_error *err);
/* The kernels have done with @request, the oldest. -EINVAL when that cannot be; -errno. */
int conn_consumed(struct conn *conn, struct request *request);
bool conn_may_post(const struct conn *conn);
/* Decides how the message that was announced is placed. */
void conn_unpack_announced(struct conn *conn, struct request *request);
/* All of it has come: the kernels may read what they are told. 0 or -errno. */
int conn_unpack_publish(struct conn *conn, const struct request *request);

/* conn_send.c: what the receiver has said about message @seq; NULL: nothing. */
const struct tx_grant *conn_grant_of(const struct conn *conn, uint32_t seq);

/* tx_stream.c: puts a chunk in a stream's line; there must be room. */
bool tx_stream_has_room(const struct conn *conn, unsigned int stream);
void tx_stream_push(struct conn *conn, unsigned int stream, struct request *request, size_t offset,
		    size_t len);
/* Sends what the socket takes: 1 something moved, 0, -errno. */
int tx_stream_progress(struct conn *conn, unsigned int stream);
/* Takes notice of what the peer has acknowledged. 0 or -errno. */
int tx_stream_reap(struct conn *conn, unsigned int stream);

/* rx_stream.c: the next bytes of @stream are @len bytes of @request. -EPROTO without room. */
int rx_stream_push(struct conn *conn, unsigned int stream, struct request *request, size_t len);
bool rx_stream_has_room(const struct conn *conn, unsigned int stream);
/* Takes what is there: 1 something came, 0, -errno. */
int rx_stream_progress(struct conn *conn, unsigned int stream);

/* conn_grant.c: lets the sender send what buffers and the pool have room for. True when it could
 * send nothing before. */
bool conn_grant(struct conn *conn);
/* The message is not as long as its buffer; or @bytes more of it were taken from the pool. */
void conn_grant_fit(struct conn *conn, struct request *request);
void conn_grant_used(struct conn *conn, struct request *request, size_t bytes);

#endif

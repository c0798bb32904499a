/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What two devmem processes say to each other: the 128-byte handle, the handshake and the control
 * records.
 *
 * All integers are little endian. Addresses are in network order; IPv4 uses the first 4 of 16
 * bytes. Fields marked "zero" are written as zero and must be so when read. A decoder checks
 * bounds, magic and version before it looks at anything else.
 */
#ifndef DEVMEM_WIRE_H
#define DEVMEM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WIRE_MAGIC 0x4d454d56u /* "VMEM" */
#define WIRE_VERSION 3
#define WIRE_NONCE 16
#define WIRE_STREAMS 8	/* data streams of a connection, and data ports of a pool, at most */
#define WIRE_REASON 200 /* bytes of an ABORT's text, at most */

#define WIRE_HANDLE_BYTES 96 /* of the 128 that NCCL carries; the rest is zero */
#define WIRE_HELLO_BYTES 48
#define WIRE_READY_BYTES 8
#define WIRE_RECORD_BYTES 16

/* From listen() to connect(), by NCCL's bootstrap. */
struct wire_handle {
	struct sockaddr_storage control; /* where connections are accepted */
	/* Where data streams are steered to device memory, with port 0; ss_family 0: nowhere. */
	struct sockaddr_storage data;
	uint16_t ports[WIRE_STREAMS]; /* of data, one for each rx queue; none is 0 */
	uint8_t n_ports;
	uint8_t streams;	   /* how many the listener would like a connection to have */
	uint8_t nonce[WIRE_NONCE]; /* proves that a connection comes from the holder of this handle
				    */
};

/* First bytes on a control connection, from the sender of data. */
struct wire_hello {
	uint8_t nonce[WIRE_NONCE];
	uint16_t streams;		     /* data streams that were opened: 0 to WIRE_STREAMS */
	uint16_t source_ports[WIRE_STREAMS]; /* of each, as the receiver will see it */
};

enum wire_status {
	WIRE_OK,
	WIRE_REFUSED_VERSION,
	WIRE_REFUSED_STREAM, /* an announced data stream did not arrive */
};

/* The answer, from the receiver of data. */
struct wire_ready {
	uint16_t status;  /* enum wire_status */
	uint16_t streams; /* of the data streams that will be used: all, or 0 when the pool cannot
			     feed one more connection */
};

/*
 * Of a connection with data streams, the receiver grants each message as soon as its buffer is
 * posted, and the sender sends no byte of it before. So every byte that comes has a place to go
 * and a page of the pool to come by, and no connection can stall another. Without data streams
 * nothing is granted, and messages follow their records at once.
 */
enum wire_record_type {
	WIRE_GRANT = 1, /* receiver to sender: message seq goes to memory that via suits; its first
			   len bytes may be sent by data streams. Only grows. */
	WIRE_MSG,	/* sender to receiver: message seq has len bytes, carried as via says */
	WIRE_CHUNK, /* sender to receiver: the next len bytes of message seq are the next in stream
		     */
	WIRE_FIN,   /* sender to receiver: no more messages */
	WIRE_ABORT, /* either way, the last: len bytes of text follow, which say why; seq is the
		       errno */
	WIRE_TAKEN, /* receiver to sender: all bytes of message seq, which were lent, are copied */
};

enum wire_via {
	WIRE_INLINE, /* the bytes follow the record. In a GRANT: the buffer is host memory */
	WIRE_DATA,   /* all bytes are the next in stream. In a GRANT: the buffer is device memory */
	WIRE_CHUNKS, /* CHUNK records will tell where the bytes are */
	WIRE_LENT,   /* In a MSG: as INLINE, and the sender must know when they are TAKEN */
};

struct wire_record {
	uint8_t type;
	uint8_t via;
	uint8_t stream; /* MSG via DATA, CHUNK: index, in the order of HELLO's ports */
	uint32_t seq;
	uint64_t len; /* bytes */
};

/* Encoders write exactly the WIRE_*_BYTES of their kind. */
void wire_put_handle(uint8_t *to, const struct wire_handle *handle);
void wire_put_hello(uint8_t *to, const struct wire_hello *hello);
void wire_put_ready(uint8_t *to, const struct wire_ready *ready);
void wire_put_record(uint8_t *to, const struct wire_record *record);

/*
 * Decoders: 0; -EAGAIN: @len is too short yet; -EPROTO: not ours or out of range; -EPROTONOSUPPORT:
 * another version, which is then stored in *@version (may be NULL).
 */
int wire_get_handle(const uint8_t *from, size_t len, struct wire_handle *handle,
		    unsigned int *version);
int wire_get_hello(const uint8_t *from, size_t len, struct wire_hello *hello,
		   unsigned int *version);
int wire_get_ready(const uint8_t *from, size_t len, struct wire_ready *ready,
		   unsigned int *version);
int wire_get_record(const uint8_t *from, size_t len, struct wire_record *record);

#ifdef __cplusplus
}
#endif

#endif

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
#define WIRE_VERSION 1
#define WIRE_NONCE 16

#define WIRE_HANDLE_BYTES 76 /* of the 128 that NCCL carries; the rest is zero */
#define WIRE_HELLO_BYTES 32
#define WIRE_READY_BYTES 8
#define WIRE_RECORD_BYTES 16

/* From listen() to connect(), by NCCL's bootstrap. */
struct wire_handle {
	struct sockaddr_storage control; /* where connections are accepted */
	struct sockaddr_storage
		data; /* where data streams are steered to device memory; ss_family 0: nowhere */
	uint8_t nonce[WIRE_NONCE]; /* proves that a connection comes from the holder of this handle
				    */
};

/* First bytes on a control connection, from the sender of data. */
struct wire_hello {
	uint8_t nonce[WIRE_NONCE];
	uint16_t streams;     /* data streams that were opened: 0 or 1 */
	uint16_t source_port; /* of the data stream, as the receiver will see it */
};

enum wire_status {
	WIRE_OK,
	WIRE_REFUSED_VERSION,
	WIRE_REFUSED_STREAM, /* the announced data stream did not arrive */
};

/* The answer, from the receiver of data. */
struct wire_ready {
	uint16_t status; /* enum wire_status */
};

enum wire_record_type {
	WIRE_MODE = 1, /* receiver to sender, once, before the sender sends anything: len is an enum
			  wire_mode */
	WIRE_MSG,      /* sender to receiver: message seq has len bytes, carried as via says */
	WIRE_FIN,      /* sender to receiver: no more messages */
};

enum wire_mode {
	WIRE_MODE_HOST,	  /* the receiver's buffers are host memory */
	WIRE_MODE_DEVICE, /* they are device memory */
};

enum wire_via {
	WIRE_INLINE, /* the bytes follow the record */
	WIRE_DATA,   /* the bytes are in the data stream */
};

struct wire_record {
	uint8_t type;
	uint8_t via;
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

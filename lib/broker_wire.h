/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a process and devmemd, the broker, say to each other over a SOCK_SEQPACKET socket.
 *
 * A request is BROKER_REQUEST_BYTES long and an answer BROKER_REPLY_BYTES, so a message of any
 * other length is none. Integers are little endian. docs/broker.md tells what the requests mean.
 */
#ifndef DEVMEM_BROKER_WIRE_H
#define DEVMEM_BROKER_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "devmem.h"
#include "devmem_wire.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BROKER_VERSION 2
#define BROKER_REQUEST_BYTES 72
#define BROKER_REPLY_BYTES 640
#define BROKER_SOCKET "/run/devmemd/socket"

#define BROKER_CONNECTORS 32 /* of a queue */

/* Descriptors that come with the answer to a lease: the netlink socket of the binding, then for
 * each queue its listening socket or its connectors, then for each queue the lock file. */
#define BROKER_FDS(queues, sockets) (1 + (queues) * ((sockets) + 1))
#define BROKER_MAX_FDS 253 /* SCM_RIGHTS takes no more */

enum broker_type {
	BROKER_HELLO = 1,
	BROKER_LEASE, /* carries the dmabuf as SCM_RIGHTS */
	BROKER_RELEASE,
	BROKER_LIST,
	BROKER_STATS,
};

struct broker_request {
	enum broker_type type;
	char nic[DEVMEM_NIC_NAME];    /* LEASE: a name that a device can have */
	struct sockaddr_storage addr; /* LEASE: IPv4 or IPv6, without port */
	unsigned int queues;	      /* LEASE: at most so many, 1 to WIRE_STREAMS */
	unsigned int connectors;      /* LEASE: of each queue, at most BROKER_CONNECTORS; 0: it
					 listens */
	uint64_t receive_buffer;      /* LEASE: bytes, of each socket */
	uint32_t buffer;	      /* LEASE: bytes of each buffer that the NIC fills, a power of
					 two or 0 */
	uint32_t lease;		      /* RELEASE */
	uint32_t index;		      /* LIST: which one, from 0 */
};

struct broker_stats {
	uint64_t leases;  /* now */
	uint64_t queues;  /* now */
	uint64_t clients; /* connections, now */
	uint64_t granted; /* leases, since the start; and so for the rest */
	uint64_t refused;
	uint64_t recovered; /* rules of dead holders that were removed */
	uint64_t bad;	    /* messages that were no requests */
};

struct broker_reply {
	enum broker_type type; /* of the request */
	int status;	       /* 0 or a negative errno; then text tells more */
	char text[DEVMEM_ERROR_TEXT];
	uint32_t lease;	    /* LEASE, LIST; 0 in LIST: of before this broker's start */
	uint32_t dmabuf_id; /* LEASE, LIST; 0: not known */
	uint32_t buffer;    /* LEASE: bytes of each buffer that the NIC fills */
	unsigned int n_queues;
	uint16_t queues[WIRE_STREAMS];
	uint32_t uid, pid;	   /* LIST: the holder; pid 0: not known */
	char nic[DEVMEM_NIC_NAME]; /* LIST */
	struct broker_stats stats; /* STATS */
};

/* @to has BROKER_REQUEST_BYTES, or BROKER_REPLY_BYTES. */
void broker_put_request(uint8_t *to, const struct broker_request *request);
void broker_put_reply(uint8_t *to, const struct broker_reply *reply);

/*
 * Any bytes are safe. -EPROTO: no message of this protocol, or with a value that cannot be.
 * -EPROTONOSUPPORT: of another version.
 */
int broker_get_request(const uint8_t *from, size_t len, struct broker_request *request);
int broker_get_reply(const uint8_t *from, size_t len, struct broker_reply *reply);

#ifdef __cplusplus
}
#endif

#endif

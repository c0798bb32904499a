// SPDX-License-Identifier: BSD-3-Clause
/* Encodes and decodes what a process and the broker say to each other. */
#include "broker_wire.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#define MAGIC 0x62766d64u /* "dmvb" */

struct packed_head {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
} __attribute__((packed));

struct packed_request {
	struct packed_head head;
	uint8_t family; /* 0: none, 4, 6 */
	uint8_t queues;
	uint16_t connectors;
	uint32_t lease;
	uint32_t index;
	uint32_t scope;
	uint64_t receive_buffer;
	char nic[DEVMEM_NIC_NAME];
	uint8_t ip[16];
	uint32_t buffer;
	uint32_t zero;
} __attribute__((packed));

struct packed_reply {
	struct packed_head head;
	uint32_t status; /* errno, positive */
	uint32_t lease;
	uint32_t dmabuf_id;
	uint32_t n_queues;
	uint16_t queues[WIRE_STREAMS];
	uint32_t uid;
	uint32_t pid;
	char nic[DEVMEM_NIC_NAME];
	uint64_t stats[7];
	uint32_t buffer;
	uint32_t zero;
	char text[DEVMEM_ERROR_TEXT];
} __attribute__((packed));

_Static_assert(sizeof(struct packed_request) == BROKER_REQUEST_BYTES, "request");
_Static_assert(sizeof(struct packed_reply) == BROKER_REPLY_BYTES, "reply");
_Static_assert(sizeof(struct broker_stats) == sizeof(((struct packed_reply *)0)->stats), "stats");

#define MAX_ERRNO 4095

static struct packed_head head_of(enum broker_type type)
{
	return (struct packed_head){.magic = htole32(MAGIC),
				    .version = htole16(BROKER_VERSION),
				    .type = htole16((uint16_t)type)};
}

static int check_head(const uint8_t *from, size_t len, size_t want, enum broker_type *type)
{
	struct packed_head head;

	if (len < sizeof(head))
		return -EPROTO;
	memcpy(&head, from, sizeof(head));
	if (le32toh(head.magic) != MAGIC)
		return -EPROTO;
	if (le16toh(head.version) != BROKER_VERSION)
		return -EPROTONOSUPPORT;
	if (len != want || le16toh(head.type) < BROKER_HELLO || le16toh(head.type) > BROKER_STATS)
		return -EPROTO;
	*type = le16toh(head.type);
	return 0;
}

/* As the kernel's dev_valid_name() has it; the name becomes part of a file's. */
static bool name_valid(const char *name)
{
	size_t length = strnlen(name, DEVMEM_NIC_NAME);

	if (!length || length == DEVMEM_NIC_NAME || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == ':' || isspace((unsigned char)*c))
			return false;
	return true;
}

static void put_address(struct packed_request *to, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;

	if (addr->ss_family == AF_INET) {
		to->family = 4;
		memcpy(to->ip, &v4->sin_addr, sizeof(v4->sin_addr));
	} else if (addr->ss_family == AF_INET6) {
		to->family = 6;
		memcpy(to->ip, &v6->sin6_addr, sizeof(v6->sin6_addr));
		to->scope = htole32(v6->sin6_scope_id);
	}
}

static int get_address(const struct packed_request *from, struct sockaddr_storage *addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;

	if (from->family == 4) {
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, from->ip, sizeof(v4->sin_addr));
	} else if (from->family == 6) {
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, from->ip, sizeof(v6->sin6_addr));
		v6->sin6_scope_id = le32toh(from->scope);
	} else {
		return -EPROTO;
	}
	return 0;
}

void broker_put_request(uint8_t *to, const struct broker_request *request)
{
	struct packed_request packed = {
		.head = head_of(request->type),
		.queues = (uint8_t)request->queues,
		.connectors = htole16((uint16_t)request->connectors),
		.lease = htole32(request->lease),
		.index = htole32(request->index),
		.receive_buffer = htole64(request->receive_buffer),
		.buffer = htole32(request->buffer),
	};

	put_address(&packed, &request->addr);
	memcpy(packed.nic, request->nic, strnlen(request->nic, sizeof(packed.nic)));
	memcpy(to, &packed, sizeof(packed));
}

static int get_lease(const struct packed_request *from, struct broker_request *request)
{
	if (!name_valid(from->nic) || !from->queues || from->queues > WIRE_STREAMS ||
	    le16toh(from->connectors) > BROKER_CONNECTORS ||
	    (from->buffer & htole32(le32toh(from->buffer) - 1)) ||
	    BROKER_FDS(from->queues, le16toh(from->connectors)) > BROKER_MAX_FDS)
		return -EPROTO;
	strcpy(request->nic, from->nic);
	request->queues = from->queues;
	request->connectors = le16toh(from->connectors);
	request->receive_buffer = le64toh(from->receive_buffer);
	request->buffer = le32toh(from->buffer);
	return get_address(from, &request->addr);
}

int broker_get_request(const uint8_t *from, size_t len, struct broker_request *request)
{
	struct packed_request packed;
	int ret;

	*request = (struct broker_request){0};
	ret = check_head(from, len, sizeof(packed), &request->type);
	if (ret)
		return ret;
	memcpy(&packed, from, sizeof(packed));
	request->lease = le32toh(packed.lease);
	request->index = le32toh(packed.index);
	return request->type == BROKER_LEASE ? get_lease(&packed, request) : 0;
}

static void put_stats(uint64_t *to, const struct broker_stats *stats)
{
	const uint64_t values[] = {stats->leases,  stats->queues,    stats->clients, stats->granted,
				   stats->refused, stats->recovered, stats->bad};

	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		to[i] = htole64(values[i]);
}

void broker_put_reply(uint8_t *to, const struct broker_reply *reply)
{
	struct packed_reply packed = {
		.head = head_of(reply->type),
		.status = htole32((uint32_t)-reply->status),
		.lease = htole32(reply->lease),
		.dmabuf_id = htole32(reply->dmabuf_id),
		.buffer = htole32(reply->buffer),
		.n_queues = htole32(reply->n_queues),
		.uid = htole32(reply->uid),
		.pid = htole32(reply->pid),
	};
	uint64_t stats[7];

	for (unsigned int i = 0; i < WIRE_STREAMS; i++)
		packed.queues[i] = htole16(reply->queues[i]);
	memcpy(packed.nic, reply->nic, strnlen(reply->nic, sizeof(packed.nic) - 1));
	memcpy(packed.text, reply->text, strnlen(reply->text, sizeof(packed.text) - 1));
	put_stats(stats, &reply->stats);
	memcpy(packed.stats, stats, sizeof(stats));
	memcpy(to, &packed, sizeof(packed));
}

static void get_stats(const struct packed_reply *from, struct broker_stats *stats)
{
	uint64_t v[7];

	memcpy(v, from->stats, sizeof(v));
	*stats = (struct broker_stats){
		.leases = le64toh(v[0]),
		.queues = le64toh(v[1]),
		.clients = le64toh(v[2]),
		.granted = le64toh(v[3]),
		.refused = le64toh(v[4]),
		.recovered = le64toh(v[5]),
		.bad = le64toh(v[6]),
	};
}

int broker_get_reply(const uint8_t *from, size_t len, struct broker_reply *reply)
{
	struct packed_reply packed;
	int ret;

	*reply = (struct broker_reply){0};
	ret = check_head(from, len, sizeof(packed), &reply->type);
	if (ret)
		return ret;
	memcpy(&packed, from, sizeof(packed));
	if (le32toh(packed.status) > MAX_ERRNO || le32toh(packed.n_queues) > WIRE_STREAMS ||
	    packed.text[sizeof(packed.text) - 1] || packed.nic[sizeof(packed.nic) - 1])
		return -EPROTO;
	reply->status = -(int)le32toh(packed.status);
	reply->lease = le32toh(packed.lease);
	reply->dmabuf_id = le32toh(packed.dmabuf_id);
	reply->buffer = le32toh(packed.buffer);
	reply->n_queues = le32toh(packed.n_queues);
	for (unsigned int i = 0; i < WIRE_STREAMS; i++)
		reply->queues[i] = le16toh(packed.queues[i]);
	reply->uid = le32toh(packed.uid);
	reply->pid = le32toh(packed.pid);
	strcpy(reply->nic, packed.nic);
	strcpy(reply->text, packed.text);
	get_stats(&packed, &reply->stats);
	return 0;
}

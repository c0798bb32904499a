// SPDX-License-Identifier: BSD-3-Clause
/* Encodes and decodes what two devmem processes say to each other. */
#include "devmem_wire.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Every first message starts so; a later version may change all that follows. */
struct packed_head {
	uint32_t magic;
	uint16_t version;
} __attribute__((packed));

struct packed_address {
	uint8_t family; /* 0: none, 4, 6 */
	uint8_t zero;
	uint16_t port;
	uint8_t ip[16];
	uint32_t scope;
} __attribute__((packed));

struct packed_handle {
	struct packed_head head;
	uint8_t n_ports;
	uint8_t streams;
	struct packed_address control;
	struct packed_address data;
	uint16_t ports[WIRE_STREAMS];
	uint8_t nonce[WIRE_NONCE];
	uint64_t zero;
} __attribute__((packed));

struct packed_hello {
	struct packed_head head;
	uint16_t length;
	uint8_t nonce[WIRE_NONCE];
	uint16_t streams;
	uint16_t source_ports[WIRE_STREAMS];
	uint8_t zero[6];
} __attribute__((packed));

struct packed_ready {
	struct packed_head head;
	uint8_t status;
	uint8_t streams;
} __attribute__((packed));

struct packed_record {
	uint8_t type;
	uint8_t via;
	uint8_t stream;
	uint8_t zero;
	uint32_t seq;
	uint64_t len;
} __attribute__((packed));

_Static_assert(sizeof(struct packed_handle) == WIRE_HANDLE_BYTES, "handle");
_Static_assert(sizeof(struct packed_hello) == WIRE_HELLO_BYTES, "hello");
_Static_assert(sizeof(struct packed_ready) == WIRE_READY_BYTES, "ready");
_Static_assert(sizeof(struct packed_record) == WIRE_RECORD_BYTES, "record");
_Static_assert(WIRE_HANDLE_BYTES <= 128, "NCCL carries 128 bytes");

/* A message longer than this is no message of NCCL's (its largest is 1 TiB). */
#define MAX_LEN (UINT64_C(1) << 40)

static const struct packed_head our_head = {.magic = WIRE_MAGIC, .version = WIRE_VERSION};

static int check_head(const uint8_t *from, size_t len, size_t want, unsigned int *version)
{
	struct packed_head head;

	if (len < sizeof(head))
		return -EAGAIN;
	memcpy(&head, from, sizeof(head));
	if (le32toh(head.magic) != WIRE_MAGIC)
		return -EPROTO;
	if (le16toh(head.version) != WIRE_VERSION) {
		if (version)
			*version = le16toh(head.version);
		return -EPROTONOSUPPORT;
	}
	return len < want ? -EAGAIN : 0;
}

static struct packed_head head_out(void)
{
	return (struct packed_head){htole32(our_head.magic), htole16(our_head.version)};
}

static struct packed_address pack_address(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
	struct packed_address packed = {0};

	if (addr->ss_family == AF_INET) {
		packed.family = 4;
		packed.port = htole16(ntohs(v4->sin_port));
		memcpy(packed.ip, &v4->sin_addr, 4);
	} else if (addr->ss_family == AF_INET6) {
		packed.family = 6;
		packed.port = htole16(ntohs(v6->sin6_port));
		memcpy(packed.ip, &v6->sin6_addr, 16);
		packed.scope = htole32(v6->sin6_scope_id);
	}
	return packed;
}

static int unpack_address(const struct packed_address *packed, struct sockaddr_storage *addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;

	memset(addr, 0, sizeof(*addr));
	switch (packed->family) {
	case 0:
		return 0;
	case 4:
		v4->sin_family = AF_INET;
		v4->sin_port = htons(le16toh(packed->port));
		memcpy(&v4->sin_addr, packed->ip, 4);
		return 0;
	case 6:
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(le16toh(packed->port));
		memcpy(&v6->sin6_addr, packed->ip, 16);
		v6->sin6_scope_id = le32toh(packed->scope);
		return 0;
	default:
		return -EPROTO;
	}
}

static void pack_ports(uint16_t *to, const uint16_t *from)
{
	for (unsigned int i = 0; i < WIRE_STREAMS; i++)
		to[i] = htole16(from[i]);
}

/* Ports are those of as many streams, and no others. */
static int unpack_ports(uint16_t *to, const uint8_t *from, unsigned int n)
{
	uint16_t ports[WIRE_STREAMS];

	if (n > WIRE_STREAMS)
		return -EPROTO;
	memcpy(ports, from, sizeof(ports));
	for (unsigned int i = 0; i < WIRE_STREAMS; i++) {
		to[i] = le16toh(ports[i]);
		if ((i < n) != (to[i] != 0))
			return -EPROTO;
	}
	return 0;
}

void wire_put_handle(uint8_t *to, const struct wire_handle *handle)
{
	struct packed_handle packed = {
		.head = head_out(), .n_ports = handle->n_ports, .streams = handle->streams};
	uint16_t ports[WIRE_STREAMS];

	packed.control = pack_address(&handle->control);
	packed.data = pack_address(&handle->data);
	pack_ports(ports, handle->ports);
	memcpy(packed.ports, ports, sizeof(ports));
	memcpy(packed.nonce, handle->nonce, WIRE_NONCE);
	memcpy(to, &packed, sizeof(packed));
}

int wire_get_handle(const uint8_t *from, size_t len, struct wire_handle *handle,
		    unsigned int *version)
{
	struct packed_handle packed;
	int ret = check_head(from, len, sizeof(packed), version);

	if (ret)
		return ret;
	memcpy(&packed, from, sizeof(packed));
	memcpy(handle->nonce, packed.nonce, WIRE_NONCE);
	handle->n_ports = packed.n_ports;
	handle->streams = packed.streams;
	if (unpack_address(&packed.control, &handle->control) ||
	    unpack_address(&packed.data, &handle->data) || !handle->control.ss_family ||
	    unpack_ports(handle->ports, (const uint8_t *)packed.ports, packed.n_ports))
		return -EPROTO;
	/* Data ports, their address and a number of streams: all or none. */
	if (!handle->n_ports != !handle->data.ss_family || !handle->n_ports != !handle->streams ||
	    handle->streams > WIRE_STREAMS)
		return -EPROTO;
	return 0;
}

void wire_put_hello(uint8_t *to, const struct wire_hello *hello)
{
	struct packed_hello packed = {
		.head = head_out(),
		.length = htole16(WIRE_HELLO_BYTES),
		.streams = htole16(hello->streams),
	};
	uint16_t ports[WIRE_STREAMS];

	pack_ports(ports, hello->source_ports);
	memcpy(packed.source_ports, ports, sizeof(ports));
	memcpy(packed.nonce, hello->nonce, WIRE_NONCE);
	memcpy(to, &packed, sizeof(packed));
}

int wire_get_hello(const uint8_t *from, size_t len, struct wire_hello *hello, unsigned int *version)
{
	struct packed_hello packed;
	int ret = check_head(from, len, sizeof(packed), version);

	if (ret)
		return ret;
	memcpy(&packed, from, sizeof(packed));
	memcpy(hello->nonce, packed.nonce, WIRE_NONCE);
	hello->streams = le16toh(packed.streams);
	if (le16toh(packed.length) != WIRE_HELLO_BYTES)
		return -EPROTO;
	return unpack_ports(hello->source_ports, (const uint8_t *)packed.source_ports,
			    hello->streams);
}

void wire_put_ready(uint8_t *to, const struct wire_ready *ready)
{
	struct packed_ready packed = {.head = head_out(),
				      .status = (uint8_t)ready->status,
				      .streams = (uint8_t)ready->streams};

	memcpy(to, &packed, sizeof(packed));
}

int wire_get_ready(const uint8_t *from, size_t len, struct wire_ready *ready, unsigned int *version)
{
	struct packed_ready packed;
	int ret = check_head(from, len, sizeof(packed), version);

	if (ret)
		return ret;
	memcpy(&packed, from, sizeof(packed));
	ready->status = packed.status;
	ready->streams = packed.streams;
	return 0;
}

void wire_put_record(uint8_t *to, const struct wire_record *record)
{
	struct packed_record packed = {
		.type = record->type,
		.via = record->via,
		.stream = record->stream,
		.seq = htole32(record->seq),
		.len = htole64(record->len),
	};

	memcpy(to, &packed, sizeof(packed));
}

int wire_get_record(const uint8_t *from, size_t len, struct wire_record *record)
{
	struct packed_record packed;

	if (len < sizeof(packed))
		return -EAGAIN;
	memcpy(&packed, from, sizeof(packed));
	*record = (struct wire_record){
		.type = packed.type,
		.via = packed.via,
		.stream = packed.stream,
		.seq = le32toh(packed.seq),
		.len = le64toh(packed.len),
	};
	if (record->type < WIRE_GRANT || record->type > WIRE_TAKEN || record->via > WIRE_LENT ||
	    record->stream >= WIRE_STREAMS || packed.zero || record->len > MAX_LEN)
		return -EPROTO;
	if (record->type == WIRE_ABORT && record->len > WIRE_REASON)
		return -EPROTO;
	return 0;
}

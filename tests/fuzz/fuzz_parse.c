// SPDX-License-Identifier: BSD-3-Clause
/* What must hold for any bytes: decoders stay in bounds and what they accept is in range. */
#include "fuzz_parse.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "broker_wire.h"
#include "devmem_wire.h"
#include "lease.h"
#include "recv_parse.h"
#include "sockaddr.h"
#include "stat.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

void fuzz_wire(const uint8_t *data, size_t size)
{
	uint8_t again[WIRE_HANDLE_BYTES];
	struct wire_handle handle;
	struct wire_record record;
	struct wire_hello hello;
	struct wire_ready ready;
	unsigned int version = WIRE_VERSION;

	if (!wire_get_handle(data, size, &handle, &version)) {
		CHECK(handle.control.ss_family == AF_INET || handle.control.ss_family == AF_INET6);
		CHECK(handle.n_ports <= WIRE_STREAMS && handle.streams <= WIRE_STREAMS);
		CHECK(!handle.n_ports == !handle.data.ss_family);
		wire_put_handle(again, &handle);
		CHECK(!wire_get_handle(again, sizeof(again), &handle, NULL));
	}
	if (!wire_get_hello(data, size, &hello, &version))
		CHECK(hello.streams <= WIRE_STREAMS);
	(void)wire_get_ready(data, size, &ready, &version);
	if (!wire_get_record(data, size, &record)) {
		CHECK(record.type >= WIRE_GRANT && record.type <= WIRE_TAKEN &&
		      record.via <= WIRE_LENT && record.stream < WIRE_STREAMS);
		wire_put_record(again, &record);
		CHECK(!memcmp(again, data, WIRE_RECORD_BYTES));
	}
}

void fuzz_recv(const uint8_t *data, size_t size)
{
	struct devmem_frag frags[8];
	struct msghdr msg = {0};
	unsigned int n = 8;
	uint64_t sum = 0;
	uint16_t received;
	uint8_t *control;

	if (size < sizeof(received))
		return;
	memcpy(&received, data, sizeof(received));
	/* A copy of the exact size, aligned as the kernel's caller aligns it, so that a sanitizer
	 * sees every step outside. */
	control = aligned_alloc(16, (size + 15) / 16 * 16);
	CHECK(control);
	memcpy(control, data + sizeof(received), size - sizeof(received));
	msg.msg_control = control;
	msg.msg_controllen = size - sizeof(received);
	if (!recv_parse(&msg, received, frags, &n)) {
		for (unsigned int i = 0; i < n; i++)
			sum += frags[i].len;
		CHECK(sum == received);
	}
	free(control);
}

void fuzz_text(const uint8_t *data, size_t size)
{
	char text[256], address[SOCKADDR_TEXT];
	struct sockaddr_storage addr, back;
	struct devmem_rule rule;
	unsigned int ports;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)lease_parse(text, &rule, &ports);
	if (!sockaddr_parse(text, &addr)) {
		sockaddr_text(&addr, address);
		CHECK(!sockaddr_parse(address, &back) && sockaddr_equal(&addr, &back));
	}
}

static void check_request(const struct broker_request *request)
{
	struct broker_request again;
	uint8_t bytes[BROKER_REQUEST_BYTES];

	if (request->type == BROKER_LEASE) {
		CHECK(request->queues >= 1 && request->queues <= WIRE_STREAMS);
		CHECK(request->nic[0] && !strchr(request->nic, '/'));
		CHECK(request->addr.ss_family == AF_INET || request->addr.ss_family == AF_INET6);
	}
	broker_put_request(bytes, request);
	CHECK(!broker_get_request(bytes, sizeof(bytes), &again));
	CHECK(again.type == request->type && !strcmp(again.nic, request->nic) &&
	      again.queues == request->queues && sockaddr_equal(&again.addr, &request->addr) &&
	      again.lease == request->lease && again.index == request->index);
}

void fuzz_broker(const uint8_t *data, size_t size)
{
	struct broker_request request;
	struct broker_reply reply, again;
	uint8_t bytes[BROKER_REPLY_BYTES];

	if (!broker_get_request(data, size, &request))
		check_request(&request);
	if (!broker_get_reply(data, size, &reply)) {
		CHECK(reply.n_queues <= WIRE_STREAMS && reply.status <= 0);
		CHECK(memchr(reply.text, '\0', sizeof(reply.text)));
		broker_put_reply(bytes, &reply);
		CHECK(!broker_get_reply(bytes, sizeof(bytes), &again));
		CHECK(!strcmp(again.text, reply.text) && !strcmp(again.nic, reply.nic) &&
		      !memcmp(&again.stats, &reply.stats, sizeof(again.stats)));
	}
}

void fuzz_metrics(const uint8_t *data, size_t size)
{
	struct stat_totals totals;
	char *text = malloc(size + 1);

	CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	(void)stat_parse(text, &totals);
	free(text);
}

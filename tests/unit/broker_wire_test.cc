// SPDX-License-Identifier: BSD-3-Clause
// Messages to and from the broker: there and back, and everything that is none.
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <random>

#include "../fuzz/fuzz_parse.h"
#include "broker_wire.h"
#include "sockaddr.h"

namespace {

broker_request lease_request()
{
	broker_request request = {};

	request.type = BROKER_LEASE;
	strcpy(request.nic, "enp65s0f0np0");
	EXPECT_EQ(0, sockaddr_parse("[fd00::1]:0", &request.addr));
	request.queues = 8;
	request.receive_buffer = UINT64_C(0x123456789a);
	request.buffer = 32768;
	return request;
}

TEST(BrokerWire, RequestsGoThereAndBack)
{
	broker_request out = lease_request(), in;
	uint8_t bytes[BROKER_REQUEST_BYTES];

	broker_put_request(bytes, &out);
	ASSERT_EQ(0, broker_get_request(bytes, sizeof(bytes), &in));
	EXPECT_EQ(BROKER_LEASE, in.type);
	EXPECT_STREQ(out.nic, in.nic);
	EXPECT_TRUE(sockaddr_equal(&out.addr, &in.addr));
	EXPECT_EQ(8u, in.queues);
	EXPECT_EQ(out.receive_buffer, in.receive_buffer);
	EXPECT_EQ(out.buffer, in.buffer);
	for (broker_type type : {BROKER_HELLO, BROKER_RELEASE, BROKER_LIST, BROKER_STATS}) {
		out = {};
		out.type = type;
		out.lease = 7;
		out.index = 9;
		broker_put_request(bytes, &out);
		ASSERT_EQ(0, broker_get_request(bytes, sizeof(bytes), &in));
		EXPECT_EQ(type, in.type);
		EXPECT_EQ(7u, in.lease);
		EXPECT_EQ(9u, in.index);
	}
}

TEST(BrokerWire, RepliesGoThereAndBack)
{
	broker_reply out = {}, in;
	uint8_t bytes[BROKER_REPLY_BYTES];

	out.type = BROKER_LEASE;
	out.status = -EBUSY;
	memset(out.text, 'x', sizeof(out.text) - 1);
	out.lease = 1;
	out.dmabuf_id = 2;
	out.buffer = 32768;
	out.n_queues = 8;
	for (int i = 0; i < 8; i++)
		out.queues[i] = static_cast<uint16_t>(1000 * i);
	out.uid = 1000;
	out.pid = 4194304;
	strcpy(out.nic, "dm0");
	out.stats = {1, 2, 3, 4, 5, 6, UINT64_MAX};
	broker_put_reply(bytes, &out);
	ASSERT_EQ(0, broker_get_reply(bytes, sizeof(bytes), &in));
	EXPECT_EQ(-EBUSY, in.status);
	EXPECT_STREQ(out.text, in.text);
	EXPECT_EQ(0, memcmp(out.queues, in.queues, sizeof(in.queues)));
	EXPECT_EQ(1u, in.lease);
	EXPECT_EQ(32768u, in.buffer);
	EXPECT_EQ(2u, in.dmabuf_id);
	EXPECT_EQ(1000u, in.uid);
	EXPECT_EQ(4194304u, in.pid);
	EXPECT_STREQ("dm0", in.nic);
	EXPECT_EQ(0, memcmp(&out.stats, &in.stats, sizeof(in.stats)));
}

TEST(BrokerWire, RefusesEveryOtherLength)
{
	broker_request out = lease_request(), in;
	uint8_t bytes[BROKER_REQUEST_BYTES + 64] = {};

	broker_put_request(bytes, &out);
	for (size_t len = 0; len <= sizeof(bytes); len++)
		EXPECT_EQ(len == BROKER_REQUEST_BYTES ? 0 : -EPROTO, broker_get_request(bytes, len, &in)) << len;
}

TEST(BrokerWire, RefusesOtherVersionsAsSuch)
{
	broker_request out = lease_request(), in;
	uint8_t bytes[BROKER_REQUEST_BYTES];

	broker_put_request(bytes, &out);
	bytes[4]++;
	EXPECT_EQ(-EPROTONOSUPPORT, broker_get_request(bytes, sizeof(bytes), &in));
	EXPECT_EQ(-EPROTONOSUPPORT, broker_get_request(bytes, 8, &in)) << "whatever their length";
}

TEST(BrokerWire, RefusesNamesThatNoDeviceCanHave)
{
	broker_request in;
	uint8_t bytes[BROKER_REQUEST_BYTES];

	for (const char *name : {"", ".", "..", "../x", "a b", "a\tb", "a:1", "/", "0123456789abcdef"}) {
		broker_request out = lease_request();
		memset(out.nic, 0, sizeof(out.nic));
		memcpy(out.nic, name, strlen(name));
		broker_put_request(bytes, &out);
		EXPECT_EQ(-EPROTO, broker_get_request(bytes, sizeof(bytes), &in)) << name;
	}
}

TEST(BrokerWire, RefusesNumbersOutOfRange)
{
	uint8_t bytes[BROKER_REQUEST_BYTES];
	broker_request in;

	for (unsigned int queues : {0u, 9u, 255u}) {
		broker_request out = lease_request();
		out.queues = queues;
		broker_put_request(bytes, &out);
		EXPECT_EQ(-EPROTO, broker_get_request(bytes, sizeof(bytes), &in)) << queues;
	}
	broker_request out = lease_request();
	out.addr.ss_family = AF_UNSPEC;
	broker_put_request(bytes, &out);
	EXPECT_EQ(-EPROTO, broker_get_request(bytes, sizeof(bytes), &in));
	for (uint32_t buffer : {3u, 12288u, UINT32_MAX}) {
		out = lease_request();
		out.buffer = buffer;
		broker_put_request(bytes, &out);
		EXPECT_EQ(-EPROTO, broker_get_request(bytes, sizeof(bytes), &in)) << buffer;
	}
	for (int type : {0, 6, 65535}) {
		out = lease_request();
		out.type = static_cast<broker_type>(type);
		broker_put_request(bytes, &out);
		EXPECT_EQ(-EPROTO, broker_get_request(bytes, sizeof(bytes), &in)) << type;
	}
}

// Good messages of which a few bytes were changed.
TEST(BrokerWire, MutationsBreakNothing)
{
	broker_request request = lease_request();
	broker_reply reply = {};
	uint8_t bytes[BROKER_REPLY_BYTES];
	std::mt19937 random(2);

	reply.type = BROKER_LIST;
	strcpy(reply.nic, "dm0");
	strcpy(reply.text, "some words");
	for (int i = 0; i < 300'000; i++) {
		size_t size = i % 2 ? BROKER_REQUEST_BYTES : BROKER_REPLY_BYTES;
		if (i % 2)
			broker_put_request(bytes, &request);
		else
			broker_put_reply(bytes, &reply);
		for (unsigned int n = random() % 6; n; n--)
			bytes[random() % size] = static_cast<uint8_t>(random());
		fuzz_broker(bytes, random() % 8 ? size : random() % size);
	}
}

} // namespace

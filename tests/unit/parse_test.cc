// SPDX-License-Identifier: BSD-3-Clause
// Parsers of bytes from outside: what they take, what they refuse, and random bytes through the fuzz targets.
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <random>

#include "../fuzz/fuzz_parse.h"
#include "devmem_wire.h"
#include "lease.h"
#include "recv_parse.h"
#include "sockaddr.h"
#include "uapi/devmem_uapi.h"

namespace {

sockaddr_storage address(const char *text)
{
	sockaddr_storage addr;
	EXPECT_EQ(0, sockaddr_parse(text, &addr)) << text;
	return addr;
}

TEST(Wire, HandleGoesThereAndBack)
{
	wire_handle out = {}, in;
	uint8_t bytes[128] = {};

	out.control = address("10.1.2.3:456");
	out.data = address("[fd00::1]:0");
	out.n_ports = 3;
	out.streams = 8;
	out.ports[0] = 1;
	out.ports[1] = 0x1234;
	out.ports[2] = 65535;
	memset(out.nonce, 0x5a, sizeof(out.nonce));
	wire_put_handle(bytes, &out);
	ASSERT_EQ(0, wire_get_handle(bytes, sizeof(bytes), &in, nullptr));
	EXPECT_TRUE(sockaddr_equal(&out.control, &in.control));
	EXPECT_TRUE(sockaddr_equal(&out.data, &in.data));
	EXPECT_EQ(0, memcmp(out.nonce, in.nonce, sizeof(in.nonce)));
	EXPECT_EQ(0, memcmp(out.ports, in.ports, sizeof(in.ports)));
	EXPECT_EQ(3, in.n_ports);
	EXPECT_EQ(8, in.streams);
}

TEST(Wire, RefusesHandlesWhoseStreamsDoNotAddUp)
{
	wire_handle good = {}, in;
	uint8_t bytes[WIRE_HANDLE_BYTES];

	good.control = good.data = address("10.1.2.3:456");
	good.n_ports = good.streams = 1;
	good.ports[0] = 7;
	auto accepts = [&](wire_handle handle) {
		wire_put_handle(bytes, &handle);
		return wire_get_handle(bytes, sizeof(bytes), &in, nullptr) == 0;
	};
	EXPECT_TRUE(accepts(good));
	for (int i = 0; i < 6; i++) {
		wire_handle bad = good;
		switch (i) {
		case 0: bad.n_ports = 0; break;
		case 1: bad.streams = 0; break;
		case 2: bad.streams = WIRE_STREAMS + 1; break;
		case 3: bad.ports[1] = 8; break;
		case 4: bad.ports[0] = 0; break;
		case 5: bad.data.ss_family = 0; break;
		}
		EXPECT_FALSE(accepts(bad)) << i;
	}
}

TEST(Wire, EveryTruncationAsksForMore)
{
	wire_hello hello = {{1}, 2, {1000, 1001}};
	uint8_t bytes[WIRE_HELLO_BYTES];

	wire_put_hello(bytes, &hello);
	for (size_t len = 0; len < sizeof(bytes); len++)
		EXPECT_EQ(-EAGAIN, wire_get_hello(bytes, len, &hello, nullptr)) << len;
	EXPECT_EQ(0, wire_get_hello(bytes, sizeof(bytes), &hello, nullptr));
}

TEST(Wire, RefusesAnotherMagicAndTellsAnotherVersion)
{
	wire_hello hello = {};
	uint8_t bytes[WIRE_HELLO_BYTES];
	unsigned int version = 0;

	wire_put_hello(bytes, &hello);
	bytes[4] = 9;
	EXPECT_EQ(-EPROTONOSUPPORT, wire_get_hello(bytes, sizeof(bytes), &hello, &version));
	EXPECT_EQ(9u, version);
	bytes[0] ^= 1;
	EXPECT_EQ(-EPROTO, wire_get_hello(bytes, sizeof(bytes), &hello, &version));
}

TEST(Wire, RefusesRecordsOutOfRange)
{
	wire_record record = {WIRE_TAKEN, WIRE_LENT, 7, 0xffffffff, uint64_t(1) << 40}, in;
	uint8_t bytes[WIRE_RECORD_BYTES];

	wire_put_record(bytes, &record);
	EXPECT_EQ(0, wire_get_record(bytes, sizeof(bytes), &in));
	EXPECT_EQ(record.len, in.len);
	EXPECT_EQ(record.seq, in.seq);
	EXPECT_EQ(record.stream, in.stream);
	for (auto bad : {wire_record{0, 0, 0, 0, 0}, wire_record{7, 0, 0, 0, 0}, wire_record{WIRE_MSG, 4, 0, 0, 0},
			 wire_record{WIRE_MSG, 0, 8, 0, 0}, wire_record{WIRE_MSG, 0, 0, 0, (uint64_t(1) << 40) + 1},
			 wire_record{WIRE_ABORT, 0, 0, 1, WIRE_REASON + 1}}) {
		wire_put_record(bytes, &bad);
		EXPECT_EQ(-EPROTO, wire_get_record(bytes, sizeof(bytes), &in));
	}
}

struct Control {
	alignas(16) uint8_t bytes[1000] = {};
	size_t len = 0;
	void add(int type, uint32_t size, uint64_t offset = 0, uint32_t token = 0)
	{
		auto *header = reinterpret_cast<cmsghdr *>(bytes + len);
		devmem_uapi_cmsg cmsg = {offset, size, token, 42, 0};
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = type;
		header->cmsg_len = CMSG_LEN(sizeof(cmsg));
		memcpy(CMSG_DATA(header), &cmsg, sizeof(cmsg));
		len += CMSG_SPACE(sizeof(cmsg));
	}
	int parse(size_t received, std::vector<devmem_frag> *frags, unsigned int room = 16)
	{
		msghdr msg = {};
		msg.msg_control = bytes;
		msg.msg_controllen = len;
		frags->resize(room);
		int ret = recv_parse(&msg, received, frags->data(), &room);
		frags->resize(room);
		return ret;
	}
};

TEST(RecvParse, KeepsOrderAndPlacesLinearBytesOneAfterAnother)
{
	Control control;
	std::vector<devmem_frag> frags;

	control.add(SCM_DEVMEM_LINEAR, 10);
	control.add(SCM_DEVMEM_DMABUF, 100, 4096 + 7, 3);
	control.add(SCM_DEVMEM_LINEAR, 20);
	ASSERT_EQ(0, control.parse(130, &frags));
	ASSERT_EQ(3u, frags.size());
	EXPECT_EQ(DEVMEM_FRAG_LINEAR, frags[0].where);
	EXPECT_EQ(0u, frags[0].offset);
	EXPECT_EQ(DEVMEM_FRAG_DEVICE, frags[1].where);
	EXPECT_EQ(4103u, frags[1].offset);
	EXPECT_EQ(3u, frags[1].token);
	EXPECT_EQ(42u, frags[1].dmabuf_id);
	EXPECT_EQ(10u, frags[2].offset);
}

TEST(RecvParse, BytesWithoutControlMessagesCameByAnUnboundQueue)
{
	Control control;
	std::vector<devmem_frag> frags;

	ASSERT_EQ(0, control.parse(77, &frags));
	ASSERT_EQ(1u, frags.size());
	EXPECT_EQ(DEVMEM_FRAG_PLAIN, frags[0].where);
	EXPECT_EQ(77u, frags[0].len);
}

TEST(RecvParse, RefusesSumsThatDoNotAddUp)
{
	Control control;
	std::vector<devmem_frag> frags;

	control.add(SCM_DEVMEM_DMABUF, 100);
	EXPECT_EQ(-EPROTO, control.parse(101, &frags)) << "a control message was lost";
	EXPECT_EQ(-EPROTO, control.parse(99, &frags));
	EXPECT_EQ(0, control.parse(100, &frags));
	EXPECT_EQ(-EPROTO, control.parse(100, &frags, 0)) << "no room";
	Control empty;
	empty.add(SCM_DEVMEM_DMABUF, 0);
	EXPECT_EQ(-EPROTO, empty.parse(0, &frags));
}

TEST(Sockaddr, TextGoesThereAndBack)
{
	char text[SOCKADDR_TEXT];

	for (const char *good : {"1.2.3.4:5", "[::1]:65535", "[fd00:1::2]:80"}) {
		sockaddr_storage addr = address(good);
		EXPECT_STREQ(good, sockaddr_text(&addr, text));
	}
	sockaddr_storage addr;
	for (const char *bad : {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3:5", "::1:5", "[::1:5", "x:1", "1.2.3.4:5x"})
		EXPECT_EQ(-EPROTO, sockaddr_parse(bad, &addr)) << bad;
}

TEST(LeaseJournal, LineGoesThereAndBack)
{
	devmem_rule rule = {}, back;
	unsigned int ports;
	char text[256];

	rule.dst = address("10.0.0.2:40001");
	rule.location = 17;
	rule.queue = 7;
	ASSERT_EQ(0, lease_format(&rule, 7, text, sizeof(text)));
	ASSERT_EQ(0, lease_parse(text, &back, &ports)) << text;
	EXPECT_EQ(7u, ports);
	EXPECT_EQ(17u, back.location);
	EXPECT_EQ(7u, back.queue);
	EXPECT_TRUE(sockaddr_equal(&rule.dst, &back.dst));
	ASSERT_EQ(0, lease_parse("rule 1 queue 2 dst 1.2.3.4:5", &back, &ports));
	EXPECT_EQ(1u, ports);
	for (const char *bad : {"", "rule", "rule 1 queue 2", "rule x queue 1 dst 1.2.3.4:5", "rule 1 queue 1 dst nowhere", "rule 1 queue 2 dst 1.2.3.4:5 ports 0",
				"rule 1 queue 2 dst 1.2.3.4:65535 ports 2"})
		EXPECT_EQ(-EPROTO, lease_parse(bad, &back, &ports)) << bad;
}

// Random bytes, half of them made to look right at the start so that decoders get beyond their first check.
TEST(Fuzz, RandomBytesBreakNoParser)
{
	std::mt19937 random(1);
	uint8_t bytes[300];

	for (int i = 0; i < 200'000; i++) {
		size_t size = random() % sizeof(bytes);
		for (size_t n = 0; n < size; n++)
			bytes[n] = static_cast<uint8_t>(random() % (random() % 2 ? 4 : 256));
		if (i % 2 && size > 8) {
			uint32_t magic = WIRE_MAGIC;
			memcpy(bytes, &magic, sizeof(magic));
			bytes[4] = WIRE_VERSION;
			bytes[5] = 0;
		}
		fuzz_wire(bytes, size);
		if (i % 2 && size > 30) {
			auto *header = reinterpret_cast<cmsghdr *>(bytes + 2);
			cmsghdr good = {};
			good.cmsg_len = random() % 64;
			good.cmsg_level = SOL_SOCKET;
			good.cmsg_type = random() % 2 ? SCM_DEVMEM_DMABUF : SCM_DEVMEM_LINEAR;
			memcpy(reinterpret_cast<void *>(header), &good, sizeof(good));
		}
		fuzz_recv(bytes, size);
		fuzz_text(bytes, size);
		fuzz_metrics(bytes, size);
	}
}

} // namespace

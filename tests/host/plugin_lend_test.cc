// SPDX-License-Identifier: BSD-3-Clause
// Large messages in host memory between two ends on this machine: lent, read, given back, and never another's bytes.
#include <algorithm>
#include <gtest/gtest.h>

#include "fake_peer.h"
#include "plugin_fixture.h"

using namespace harness;

namespace {

// Memory is lent once the kernel has told that it copies what it should send itself, and TCP's window has grown to take a message whole.
void *send_lent(Pair &pair, std::vector<uint8_t> &out)
{
	int size, done = 0;

	for (int i = 0; i < 30; i++)
		transfer(pair, out.size(), out.size());
	void *send = post_send(pair, out.data(), out.size());
	for (double deadline = now() + 0.02; !done && now() < deadline;)
		EXPECT_EQ(ncclSuccess, pair.from.net->test(send, &done, &size));
	EXPECT_FALSE(done) << "it was not lent";
	return done ? nullptr : send;
}

TEST_F(Plugin, LendsLargeMessagesToAPeerOnThisMachine)
{
	Side a, b;
	Pair pair(a, b);
	std::vector<uint8_t> out(100'000, 3), in(out.size());
	int size;
	void *send = send_lent(pair, out);

	ASSERT_NE(nullptr, send);
	out[50'000] = 4;
	void *recv = post_recv(pair, in.data(), in.size());
	wait_both(a, send, b, recv, &size);
	EXPECT_EQ(4, in[50'000]) << "a copy was sent";
	EXPECT_EQ(out, in);
	for (size_t large : {65'536, 65'537, 300'001, 1'000'003, 8'000'001}) {
		transfer(pair, large, large + 5);
		transfer(pair, 10, 10);
		transfer(pair, 0, 10);
	}
}

TEST_F(Plugin, LentMemoryIsGivenBackAlsoForTheLastOfSeveral)
{
	Side a, b;
	Pair pair(a, b);
	std::vector<uint8_t> out(100'000, 3), in(4 * out.size());
	std::vector<void *> sends = {send_lent(pair, out)}, recvs;
	int size;

	ASSERT_NE(nullptr, sends[0]);
	for (int i = 0; i < 3; i++)
		sends.push_back(post_send(pair, out.data(), out.size()));
	for (size_t i = 0; i < 4; i++)
		recvs.push_back(post_recv(pair, in.data() + i * out.size(), out.size()));
	// As NCCL does: what is done is not asked for again, so the receiver gets no other call when it has all.
	double deadline = now() + 5;
	for (size_t first = 0; first < 4 && now() < deadline;) {
		int done = 0;
		EXPECT_EQ(ncclSuccess, b.net->test(recvs[first], &done, &size));
		first += done != 0;
		for (done = 1; done && !sends.empty();) {
			EXPECT_EQ(ncclSuccess, a.net->test(sends.front(), &done, &size));
			if (done)
				sends.erase(sends.begin());
		}
	}
	for (void *send : sends)
		EXPECT_EQ(ncclSuccess, wait_for(a, send, &size, 5)) << warnings();
	EXPECT_EQ(std::vector<uint8_t>(in.size(), 3), in);
}

TEST_F(Plugin, LentMemoryIsGivenBackWhenNoSecondMessageComes)
{
	Side a, b;
	Pair pair(a, b);
	std::vector<uint8_t> out(100'000, 3), in(2 * out.size());
	void *send = send_lent(pair, out);
	int size, done = 0;

	ASSERT_NE(nullptr, send);
	void *first = post_recv(pair, in.data(), out.size()), *second = post_recv(pair, in.data() + out.size(), out.size());
	ASSERT_EQ(ncclSuccess, wait_for(b, first, &size, 5));
	for (double deadline = now() + 5; !done && now() < deadline;) {
		int none = 0;
		EXPECT_EQ(ncclSuccess, b.net->test(second, &none, &size));
		EXPECT_EQ(0, none);
		ASSERT_EQ(ncclSuccess, a.net->test(send, &done, &size));
	}
	EXPECT_TRUE(done);
	EXPECT_TRUE(std::equal(out.begin(), out.end(), in.begin()));
}

TEST_F(Plugin, WhatWasLentAndNotReadBeforeTheSenderClosedIsAnError)
{
	Side a, b;
	Pair pair(a, b);
	std::vector<uint8_t> out(100'000, 3), in(out.size());
	int size;

	ASSERT_NE(nullptr, send_lent(pair, out));
	pair.close_send();
	std::fill(out.begin(), out.end(), 4);
	void *recv = post_recv(pair, in.data(), in.size());
	EXPECT_EQ(ncclRemoteError, wait_for(b, recv, &size, 5));
	EXPECT_NE(std::string::npos, warnings().find("ended the connection while its memory was being read")) << warnings();
}

TEST_F(Plugin, SaysTakenToASenderThatLends)
{
	Side b;
	FakeSender fake(b);
	char buffer[100];
	uint8_t ready[WIRE_READY_BYTES];
	std::vector<uint8_t> bytes = record(WIRE_MSG, WIRE_LENT, 0, 4), answer(WIRE_RECORD_BYTES);
	int got;

	bytes.insert(bytes.end(), {'l', 'e', 'n', 't'});
	ASSERT_EQ(WIRE_READY_BYTES, recv(fake.fd, ready, sizeof(ready), MSG_WAITALL));
	void *request = fake.post(buffer, sizeof(buffer));
	ASSERT_EQ(static_cast<ssize_t>(bytes.size()), write(fake.fd, bytes.data(), bytes.size()));
	ASSERT_EQ(ncclSuccess, wait_for(b, request, &got, 5)) << warnings();
	ASSERT_EQ(WIRE_RECORD_BYTES, recv(fake.fd, answer.data(), answer.size(), MSG_WAITALL));
	EXPECT_EQ(record(WIRE_TAKEN, 0, 0, 0), answer);
	EXPECT_EQ(0, memcmp(buffer, "lent", 4));
}

TEST_F(Plugin, ASenderThatIsToldNonsenseOfWhatWasTakenEndsTheConnection)
{
	for (uint32_t seq : {0u, 1u, 5u, 0xffffffffu}) {
		Side a;
		FakeReceiver fake(a);
		std::vector<uint8_t> out(10), bytes = record(WIRE_TAKEN, 0, seq, 0);
		void *request = nullptr;
		int size;
		ASSERT_EQ(ncclSuccess, a.net->isend(fake.send, out.data(), out.size(), 0, nullptr, nullptr, &request));
		ASSERT_EQ(ncclSuccess, wait_for(a, request, &size, 5));
		ASSERT_EQ(WIRE_RECORD_BYTES, write(fake.fd, bytes.data(), bytes.size()));
		// A sender listens when it has nothing to send, but not always: a message that no socket takes whole makes it.
		std::vector<uint8_t> endless(64 << 20);
		ASSERT_EQ(ncclSuccess, a.net->isend(fake.send, endless.data(), endless.size(), 0, nullptr, nullptr, &request));
		EXPECT_EQ(ncclRemoteError, wait_for(a, request, &size, 5)) << seq;
		fake.hang_up();
		EXPECT_EQ(ncclSuccess, a.net->closeSend(fake.send));
	}
}

} // namespace

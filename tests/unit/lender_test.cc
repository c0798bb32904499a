// SPDX-License-Identifier: BSD-3-Clause
// Memory lent to a reader over loopback: the very pages, all of their bytes, and what the kernel refuses.
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <thread>

#include "lender.h"
#include "tcp_pair.h"
#include "unpinnable.h"

namespace {

struct Lender : lender {
	Lender() { lender_init(this); }
	~Lender() { lender_destroy(this); }
};

struct Sockets : TcpPair {
	Sockets() { fcntl(here, F_SETFL, O_NONBLOCK); }
	~Sockets() { close(here); }
};

TEST(Lender, LendsThePagesThemselves)
{
	Lender lender;
	Sockets pair;
	std::vector<uint8_t> out(100'000, 1), in(out.size());
	bool full = false;
	ssize_t sent = lender_send(&lender, pair.here, out.data(), out.size(), &full);

	ASSERT_GT(sent, 0) << strerror(static_cast<int>(-sent));
	out[0] = 2;
	ASSERT_EQ(sent, recv(pair.there, in.data(), static_cast<size_t>(sent), MSG_WAITALL));
	EXPECT_EQ(2, in[0]) << "a copy was sent";
	EXPECT_EQ(1, in[1]);
	EXPECT_TRUE(lender_works(&lender));
}

TEST(Lender, AFullSocketTakesTheRestLater)
{
	Lender lender;
	Sockets pair;
	std::vector<uint8_t> out(30'000'001), in(out.size());
	size_t sent = 0;
	bool full = false;
	std::thread reader;

	for (size_t i = 0; i < out.size(); i++)
		out[i] = static_cast<uint8_t>(i * 7 + i / 4096);
	auto read_all = [&] { EXPECT_EQ(static_cast<ssize_t>(in.size()), recv(pair.there, in.data(), in.size(), MSG_WAITALL)); };
	while (sent < out.size()) {
		ssize_t n = lender_send(&lender, pair.here, out.data() + sent, out.size() - sent, &full);
		if (n == -EAGAIN) {
			EXPECT_TRUE(full);
			if (!reader.joinable())
				reader = std::thread(read_all);
			continue;
		}
		ASSERT_GT(n, 0) << strerror(static_cast<int>(-n));
		sent += static_cast<size_t>(n);
	}
	ASSERT_TRUE(reader.joinable()) << "the socket was never full";
	reader.join();
	EXPECT_EQ(out, in);
}

TEST(Lender, WhatAFullSocketLeftDoesNotGoToAnother)
{
	Lender lender;
	Sockets full_pair, other;
	std::vector<uint8_t> first(16'000'000, 1), second(50'000, 2), in(second.size());
	bool full = false, other_full = false;

	while (lender_send(&lender, full_pair.here, first.data(), first.size(), &full) > 0)
		;
	EXPECT_TRUE(full);
	ASSERT_EQ(50'000, lender_send(&lender, other.here, second.data(), second.size(), &other_full));
	ASSERT_EQ(50'000, recv(other.there, in.data(), in.size(), MSG_WAITALL));
	EXPECT_EQ(second, in);
}

TEST(Lender, ABrokenSocketIsAnErrorAndNoSignal)
{
	Lender lender;
	Sockets pair;
	std::vector<uint8_t> out(100'000, 1);
	bool full = false;

	shutdown(pair.here, SHUT_WR);
	EXPECT_EQ(-EPIPE, lender_send(&lender, pair.here, out.data(), out.size(), &full));
	sigset_t pending;
	sigpending(&pending);
	EXPECT_FALSE(sigismember(&pending, SIGPIPE));
	EXPECT_TRUE(lender_works(&lender)) << "other sockets are not broken";
}

TEST(Lender, RefusesWhatCannotBePinned)
{
	Lender lender;
	Sockets pair;
	const uint8_t *page = unpinnable();
	bool full = false;

	if (!page)
		GTEST_SKIP() << "no [vvar] in /proc/self/maps";
	EXPECT_EQ(-EOPNOTSUPP, lender_send(&lender, pair.here, page, 4096, &full));
	EXPECT_FALSE(lender_works(&lender));
	EXPECT_EQ(-EOPNOTSUPP, lender_send(&lender, pair.here, &full, sizeof(full), &full));
}

// TCP has measured a round trip.
struct UsedSockets : Sockets {
	UsedSockets()
	{
		char byte = 1;
		EXPECT_EQ(1, send(here, &byte, 1, 0));
		EXPECT_EQ(1, recv(there, &byte, 1, 0));
	}
};

TEST(Lender, LimitIsForNearPeersOnNonblockingTcp)
{
	UsedSockets pair;
	int ends[2];

	ASSERT_EQ(0, setsockopt(pair.here, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	EXPECT_EQ(SIZE_MAX, lender_limit(pair.here));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	EXPECT_EQ(0u, lender_limit(ends[0])) << "no TCP";
	fcntl(pair.here, F_SETFL, 0);
	EXPECT_EQ(0u, lender_limit(pair.here)) << "would block";
	close(ends[0]);
	close(ends[1]);
}

TEST(Lender, LargeMessagesOnPacedSocketsAreNotWorthLending)
{
	UsedSockets pair;

	if (setsockopt(pair.here, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3))
		GTEST_SKIP() << "this machine has no bbr: " << strerror(errno);
	EXPECT_EQ(size_t(1) << 20, lender_limit(pair.here));
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// How large pools are by default, and sockets that stay until the peer has everything.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "linger.h"
#include "pool_size.h"

namespace {

constexpr size_t MiB = 1 << 20;

devmem_nic nic(unsigned int mbps, unsigned int queues, unsigned int mtu = 1500, int family = AF_INET)
{
	devmem_nic nic = {};

	nic.speed_mbps = mbps;
	nic.rx_queues = queues;
	nic.mtu = mtu;
	nic.addr.ss_family = static_cast<sa_family_t>(family);
	return nic;
}

TEST(PoolSize, QueuesFollowTheSpeedAndLeaveSomeToOthers)
{
	for (auto [mbps, queues, expected] : {std::array<unsigned int, 3>{10'000, 8, 1}, {25'000, 64, 1}, {100'000, 64, 4}, {400'000, 64, 4},
					      {400'000, 16, 2}, {400'000, 4, 1}, {0, 1, 1}}) {
		devmem_nic n = nic(mbps, queues);
		EXPECT_EQ(expected, pool_size_queues(&n)) << mbps << " " << queues;
	}
}

TEST(PoolSize, BytesAreRingsAndABurstAndWhatWaits)
{
	devmem_nic slow = nic(10'000, 8), fast = nic(400'000, 64);

	EXPECT_EQ(27 * MiB, pool_size_bytes(&slow, 1, 4 * MiB));
	EXPECT_EQ((16 + 96 + 32) * MiB, pool_size_bytes(&fast, 4, 4 * MiB)) << "100,000,000 bytes are 95.4 MiB";
}

TEST(PoolSize, APageHoldsASegmentOrAPage)
{
	for (auto [mtu, family, expected] : {std::array<unsigned int, 3>{1500, AF_INET, 1448}, {1500, AF_INET6, 1428}, {4148, AF_INET, 4096},
					     {9000, AF_INET, 4096}, {10, AF_INET, 1}}) {
		devmem_nic n = nic(1, 1, mtu, static_cast<int>(family));
		EXPECT_EQ(expected, pool_size_page_payload(&n)) << mtu;
	}
	EXPECT_EQ(0u, pool_size_budget(MiB, 1, MiB));
	EXPECT_EQ(7u * 32, pool_size_budget(2 * MiB, 1, MiB));
}

struct Pair {
	int there, here;
	Pair()
	{
		int listener = socket(AF_INET, SOCK_STREAM, 0);
		sockaddr_in address = {};
		socklen_t length = sizeof(address);

		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(0, bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
		EXPECT_EQ(0, listen(listener, 1));
		EXPECT_EQ(0, getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length));
		here = socket(AF_INET, SOCK_STREAM, 0);
		EXPECT_EQ(0, connect(here, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
		there = accept(listener, nullptr, nullptr);
		close(listener);
	}
	// Sends until nothing more fits, returns how much.
	size_t fill()
	{
		std::vector<char> bytes(1 << 16, 'x');
		size_t sum = 0;
		for (ssize_t n; (n = send(here, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;)
			sum += static_cast<size_t>(n);
		return sum;
	}
	size_t read_all()
	{
		std::vector<char> bytes(1 << 16);
		size_t sum = 0;
		ssize_t n;
		while ((n = read(there, bytes.data(), bytes.size())) > 0)
			sum += static_cast<size_t>(n);
		EXPECT_EQ(0, n) << "reset: " << strerror(errno);
		return sum;
	}
	~Pair() { close(there); }
};

TEST(Linger, NothingIsLostThoughThePeerSpeaksAfterTheClose)
{
	Pair pair;
	linger_list list;

	linger_init(&list);
	size_t sent = pair.fill();
	linger_add(&list, pair.here, 10'000);
	ASSERT_NE(nullptr, list.first);
	EXPECT_EQ(1, write(pair.there, "y", 1));
	linger_sweep(&list);
	ASSERT_NE(nullptr, list.first);
	EXPECT_EQ(sent, pair.read_all());
	linger_sweep(&list);
	EXPECT_EQ(nullptr, list.first);
	linger_end(&list, 1000);
}

TEST(Linger, PatienceEnds)
{
	Pair stuck;
	linger_list list;
	int64_t begin = clock_ms();

	linger_init(&list);
	stuck.fill();
	linger_add(&list, stuck.here, 50);
	while (list.first && clock_ms() < begin + 5000)
		linger_sweep(&list);
	EXPECT_EQ(nullptr, list.first);
	Pair other;
	other.fill();
	linger_add(&list, other.here, 100'000);
	linger_end(&list, 50);
	EXPECT_LT(clock_ms(), begin + 5000);
}

} // namespace

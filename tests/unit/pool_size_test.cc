// SPDX-License-Identifier: BSD-3-Clause
// How large pools are by default, and sockets that stay until the peer has everything.
#include <array>
#include <gtest/gtest.h>

#include "clock.h"
#include "linger.h"
#include "pool_size.h"
#include "sockopt.h"
#include "tcp_pair.h"

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

	EXPECT_EQ(27 * MiB, pool_size_bytes(&slow, 1, 4 * MiB, false));
	EXPECT_EQ(54 * MiB, pool_size_bytes(&slow, 1, 4 * MiB, true));
	EXPECT_EQ((16 + 96 + 32) * MiB, pool_size_bytes(&fast, 4, 4 * MiB, false)) << "100,000,000 bytes are 95.4 MiB";
}

TEST(PoolSize, ASegmentIsDividedAmongTheBuffersThatItTakes)
{
	struct {
		unsigned int mtu;
		int family;
		size_t of_4k, of_8k, of_16k;
	} cases[] = {{1500, AF_INET, 1448, 1448, 1448},
		     {1500, AF_INET6, 1428, 1428, 1428},
		     {4148, AF_INET, 4096, 4096, 4096},
		     {8244, AF_INET, 4096, 8192, 8192},
		     {9000, AF_INET, 2982, 4474, 8948},
		     {10, AF_INET, 1, 1, 1}};

	for (const auto &expected : cases) {
		devmem_nic n = nic(1, 1, expected.mtu, expected.family);
		EXPECT_EQ(expected.of_4k, pool_size_payload(&n, 4096)) << expected.mtu;
		EXPECT_EQ(expected.of_8k, pool_size_payload(&n, 8192)) << expected.mtu;
		EXPECT_EQ(expected.of_16k, pool_size_payload(&n, 16384)) << expected.mtu;
	}
}

TEST(PoolSize, SendersArePromisedWhatRingsAndAnEighthLeave)
{
	EXPECT_EQ(0u, pool_size_budget(MiB, 1, MiB, 4096));
	EXPECT_EQ(7u * 32, pool_size_budget(2 * MiB, 1, MiB, 4096));
	EXPECT_EQ(0u, pool_size_budget(4 * MiB, 1, MiB, 16384)) << "a ring of 256 buffers takes all";
	EXPECT_EQ(7u * 8, pool_size_budget(5 * MiB, 1, MiB, 16384));
}

TEST(PoolSize, BuffersAreAsLargeAsLeavesSendersEnough)
{
	devmem_nic slow = nic(10'000, 8, 4148), fast = nic(400'000, 64, 4148);

	EXPECT_EQ(4096u, pool_size_buffer(&slow, MiB, 1, MiB));
	EXPECT_EQ(4096u, pool_size_buffer(&slow, 16 * MiB, 1, MiB)) << "fewer than 2,048 of 8 KiB";
	EXPECT_EQ(8192u, pool_size_buffer(&slow, 24 * MiB, 1, MiB));
	EXPECT_EQ(16384u, pool_size_buffer(&slow, 42 * MiB, 1, MiB));
	EXPECT_EQ(32768u, pool_size_buffer(&slow, 128 * MiB, 1, MiB));
	EXPECT_EQ(32768u, pool_size_buffer(&slow, 4096 * MiB, 1, MiB)) << "no more";
	EXPECT_EQ(16384u, pool_size_buffer(&slow, 127 * MiB, 1, 4 * MiB)) << "a ring of 32 KiB takes a quarter";
	EXPECT_EQ(8192u, pool_size_buffer(&fast, pool_size_bytes(&fast, 4, 4 * MiB, true), 4, 4 * MiB));
}

TEST(Linger, NothingIsLostThoughThePeerSpeaksAfterTheClose)
{
	TcpPair pair;
	linger_list list;

	linger_init(&list);
	size_t sent = pair.fill();
	linger_add(&list, pair.here, 10'000);
	ASSERT_NE(nullptr, list.first);
	EXPECT_EQ(1, write(pair.there, "y", 1));
	linger_sweep(&list);
	ASSERT_NE(nullptr, list.first);
	EXPECT_EQ(sent, pair.read_all());
	// The last acknowledgement may be a delayed one.
	for (int64_t begin = clock_ms(); list.first && clock_ms() < begin + 5000;)
		linger_sweep(&list);
	EXPECT_EQ(nullptr, list.first);
	linger_end(&list, 1000);
}

TEST(Linger, APeerThatHasResetIsNotWaitedFor)
{
	TcpPair pair;
	linger_list list;

	linger_init(&list);
	pair.fill();
	linger_add(&list, pair.here, 100'000);
	ASSERT_NE(nullptr, list.first);
	sockopt_reset(pair.there);
	// Softirqs may take a moment.
	for (int64_t begin = clock_ms(); list.first && clock_ms() < begin + 5000;)
		linger_sweep(&list);
	EXPECT_EQ(nullptr, list.first);
	linger_end(&list, 0);
}

TEST(Linger, PatienceEnds)
{
	TcpPair stuck;
	linger_list list;
	int64_t begin = clock_ms();

	linger_init(&list);
	stuck.fill();
	linger_add(&list, stuck.here, 50);
	while (list.first && clock_ms() < begin + 5000)
		linger_sweep(&list);
	EXPECT_EQ(nullptr, list.first);
	TcpPair other;
	other.fill();
	linger_add(&list, other.here, 100'000);
	linger_end(&list, 50);
	EXPECT_LT(clock_ms(), begin + 5000);
}

} // namespace

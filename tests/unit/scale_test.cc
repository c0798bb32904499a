// SPDX-License-Identifier: BSD-3-Clause
// The model of NCCL at sizes that nobody has: cases that a hand can compute, and a discrete simulation of the same model.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "budget.h"
#include "pool_size.h"
#include "scale.h"

namespace {

constexpr double KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

// Nothing costs anything, but for what a test sets.
scale_system ideal(unsigned int hosts, unsigned int gpus)
{
	scale_system s = {};

	s.hosts = hosts;
	s.gpus = gpus;
	s.nics = s.channels = 1;
	s.line_bytes_s = INFINITY;
	s.mtu = 4148;
	s.nic_queues = 64;
	s.ring_entries = 1024;
	s.p2p_channels = 1;
	return s;
}

scale_system real(unsigned int hosts, unsigned int gpus)
{
	scale_system s = ideal(hosts, gpus);

	s.line_bytes_s = 50e9;
	s.nics = 8;
	s.channels = 16;
	s.rtt_s = 20e-6;
	s.local_s = 3e-6;
	s.costs = {3e-6, 1 / 30e9, 1e-3};
	return s;
}

TEST(ScaleLink, PayloadIsWhatHeadersAndGapsLeave)
{
	EXPECT_DOUBLE_EQ(4096.0 / 4186, scale_payload_share(4148));
	EXPECT_DOUBLE_EQ(1448.0 / 1538, scale_payload_share(1500));
	EXPECT_EQ(0, scale_payload_share(52));
}

TEST(ScaleRing, IsLatencyAloneOnALinkWithoutEnd)
{
	scale_system s = ideal(2, 1);

	s.rtt_s = 20e-6;
	// Two steps, each half a round trip away; the link takes all at once.
	EXPECT_DOUBLE_EQ(20e-6, scale_ring_s(&s, 8));
	EXPECT_DOUBLE_EQ(20e-6, scale_ring_s(&s, 2 * MiB));
	s.hosts = 5;
	EXPECT_DOUBLE_EQ(8 * 10e-6, scale_ring_s(&s, 8));
}

TEST(ScaleRing, CountsHopsInsideHosts)
{
	scale_system s = ideal(2, 2);

	s.rtt_s = 20e-6;
	s.local_s = 10e-6;
	// Six hops of 10 us, of which every second is over the network.
	EXPECT_DOUBLE_EQ(60e-6, scale_ring_s(&s, 8));
	s.local_s = 1e-6;
	// Twelve messages of which four are under way: the last four leave after two round trips, cross the network, and go one hop on.
	EXPECT_DOUBLE_EQ(2 * 20e-6 + 10e-6 + 1e-6, scale_ring_s(&s, 8));
}

TEST(ScaleRing, IsTheLineRateWithoutLatency)
{
	for (unsigned int hosts : {2u, 4u, 33u}) {
		for (unsigned int gpus : {1u, 8u}) {
			for (double bytes : {4 * KiB, 3 * MiB, 8 * GiB}) {
				scale_system s = ideal(hosts, gpus);

				s.line_bytes_s = 50e9;
				s.nics = 4;
				s.channels = 8;
				double busbw = scale_busbw(&s, bytes, scale_ring_s(&s, bytes));
				EXPECT_NEAR(4096.0 / 4186, busbw / (4 * 50e9), 1e-12) << hosts << " " << gpus << " " << bytes;
			}
		}
	}
}

TEST(ScaleRing, WaitsForRoomWhereTheLineIsLongerThanWhatIsInFlight)
{
	scale_system s = ideal(2, 1);

	s.line_bytes_s = 50e9;
	s.rtt_s = 10e-3; // 500 MB are under way on such a line, and 4 MiB may be
	double seconds = scale_ring_s(&s, 8 * GiB);
	EXPECT_NEAR(4 * MiB / s.rtt_s, 8 * GiB / seconds, 0.01 * 4 * MiB / s.rtt_s);
}

// When each message of each rank begins, event by event: the same rules as the formula's. A loop begins when the one before has ended at the rank.
double simulate(const scale_system &s, double chunk, size_t loops = 1)
{
	const size_t ranks = static_cast<size_t>(s.hosts) * s.gpus, slices = 2, in_flight = 4, loop = 2 * (ranks - 1) * slices;
	const double busy = scale_busy_s(&s, chunk / 2);
	std::vector<std::vector<double>> begin(ranks, std::vector<double>(loops * loop));
	double end = 0;

	auto network = [&](size_t rank) { return rank % s.gpus == s.gpus - 1; };
	auto arrives = [&](size_t rank, size_t q) { return begin[rank][q] + (network(rank) ? busy + s.rtt_s / 2 : s.local_s); };
	for (size_t q = 0; q < loops * loop; q++) {
		for (size_t rank = 0; rank < ranks; rank++) {
			size_t before = (rank + ranks - 1) % ranks;
			double at = 0;
			if (q >= 1)
				at = std::max(at, begin[rank][q - 1] + (network(rank) ? busy : 0));
			if (q >= in_flight && network(rank))
				at = std::max(at, begin[rank][q - in_flight] + busy + s.rtt_s);
			if (q % loop >= slices)
				at = std::max(at, arrives(before, q - slices));
			else if (q >= loop)
				at = std::max(at, arrives(before, q / loop * loop - 1));
			begin[rank][q] = at;
		}
	}
	for (size_t rank = 0; rank < ranks; rank++)
		end = std::max(end, arrives(rank, loops * loop - 1));
	return end;
}

TEST(ScaleRing, LoopsInARowAreExactForOneGpuAndElseAnUpperBound)
{
	for (unsigned int gpus : {1u, 2u, 8u}) {
		for (double rtt : {1e-6, 20e-6, 300e-6}) {
			scale_system s = real(4, gpus);
			s.rtt_s = rtt;
			s.local_s = std::min(s.local_s, rtt / 2);
			double formula = 5 * scale_ring_loop_s(&s, 2 * MiB), expected = simulate(s, 2 * MiB, 5);
			EXPECT_LE(expected, formula * (1 + 1e-9)) << gpus << " " << rtt;
			EXPECT_LE(formula - expected, 4 * rtt + 1e-9 * formula) << gpus << " " << rtt;
			if (gpus == 1) {
				EXPECT_NEAR(expected, formula, 1e-9 * formula);
			}
		}
	}
}

TEST(ScaleRing, IsWhatADiscreteSimulationSays)
{
	for (unsigned int gpus : {1u, 2u, 3u, 8u}) {
		for (double rtt : {0.0, 1e-6, 20e-6, 300e-6}) {
			for (double local : {0.0, 0.1e-6, 10e-6}) {
				for (double chunk : {1.0, 64 * KiB, 2 * MiB}) {
					scale_system s = real(4, gpus);
					s.rtt_s = rtt;
					s.local_s = std::min(local, rtt / 2);
					double expected = simulate(s, chunk);
					EXPECT_NEAR(expected, scale_ring_loop_s(&s, chunk), 1e-9 * expected) << gpus << " " << rtt << " " << local << " " << chunk;
				}
			}
		}
	}
}

TEST(ScaleTree, IsLatencyAloneOnALinkWithoutEnd)
{
	scale_system s = ideal(2, 1);

	s.rtt_s = 20e-6;
	EXPECT_DOUBLE_EQ(2 * 10e-6, scale_tree_s(&s, 8));
	s.hosts = 8; // three hops up and three down
	EXPECT_DOUBLE_EQ(6 * 10e-6, scale_tree_s(&s, 8));
	s.gpus = 8;
	s.local_s = 1e-6; // seven more each way
	EXPECT_DOUBLE_EQ(6 * 10e-6 + 14e-6, scale_tree_s(&s, 8));
}

TEST(ScaleTree, OfTwoHostsIsAPipelineThereAndBack)
{
	scale_system s = ideal(2, 1);

	s.channels = 2;
	s.line_bytes_s = 50e9;
	// Four slices of each channel, the first of which goes both ways before any is back.
	double slice = 2 * 512 * KiB / 50e9 / (4096.0 / 4186);
	EXPECT_NEAR(2 * slice + 3 * slice, scale_tree_s(&s, 4 * MiB), 1e-15);
}

TEST(ScaleTree, HasThePublishedShape)
{
	// NCCL's picture of the first tree of 14, and of the mirrored one of 12.
	const long up14[] = {-1, 2, 4, 2, 8, 6, 4, 6, 0, 10, 12, 10, 8, 12};
	const long mirror12[] = {1, 3, 1, 7, 5, 7, 5, 11, 9, 7, 9, -1};

	for (unsigned int host = 0; host < 14; host++)
		EXPECT_EQ(up14[host], scale_tree_parent(14, host, false)) << host;
	EXPECT_EQ(-1, scale_tree_parent(12, 11, true));
	for (unsigned int host : {0u, 1u, 2u, 4u, 5u, 6u})
		EXPECT_EQ(mirror12[host], scale_tree_parent(12, host, true)) << host;
	EXPECT_EQ(-1, scale_tree_parent(13, 1, true)); // odd: shifted by one
}

TEST(ScaleTree, CountsNeighboursAsTheParentsDo)
{
	for (unsigned int hosts = 1; hosts <= 70; hosts++) {
		std::vector<unsigned int> first(hosts), second(hosts);
		double mean = 0;

		for (unsigned int host = 0; host < hosts; host++) {
			for (bool other : {false, true}) {
				long up = scale_tree_parent(hosts, host, other);
				std::vector<unsigned int> &of = other ? second : first;
				if (up >= 0) {
					of[host]++;
					of[static_cast<size_t>(up)]++;
				}
			}
		}
		for (unsigned int host = 0; host < hosts; host++)
			mean = std::max(mean, (first[host] + second[host]) / 2.0);
		scale_tree shape = scale_tree_shape(hosts);
		EXPECT_EQ(mean, shape.connected) << hosts;
		EXPECT_EQ(*std::max_element(first.begin(), first.end()), shape.first_only) << hosts;
		EXPECT_LE(shape.first_only, 3u);
	}
}

TEST(Scale, LargerAllReducesTakeLonger)
{
	for (unsigned int hosts : {2u, 3u, 16u, 100u}) {
		scale_system s = real(hosts, 8);
		double ring = 0, tree = 0;

		for (double bytes = 8; bytes < 64 * GiB; bytes *= 1.3) {
			double next_ring = scale_ring_s(&s, bytes), next_tree = scale_tree_s(&s, bytes);
			EXPECT_GE(next_ring, ring * (1 - 1e-12)) << hosts << " " << bytes;
			EXPECT_GE(next_tree, tree * (1 - 1e-12)) << hosts << " " << bytes;
			ring = next_ring;
			tree = next_tree;
		}
	}
}

TEST(Scale, NothingIsFasterThanWhatIsPossible)
{
	for (unsigned int hosts : {2u, 4u, 7u, 64u}) {
		scale_system s = real(hosts, 8);

		s.costs = {};
		EXPECT_LE(scale_busbw(&s, 8 * GiB, scale_ring_s(&s, 8 * GiB)), scale_possible_bytes_s(&s) * (1 + 1e-12));
		// A tree of two hosts brings all bytes over the network once each way, where a ring brings nearly two times as many.
		double tree = scale_busbw(&s, 8 * GiB, scale_tree_s(&s, 8 * GiB)) / scale_possible_bytes_s(&s);
		if (hosts == 2)
			EXPECT_NEAR(2 * 15 / 16.0, tree, 0.01);
		else
			EXPECT_LE(tree, 1 + 1e-12);
	}
}

scale_pool pool_of(const scale_system &s)
{
	scale_pool pool;

	scale_size_pool(&s, &pool);
	return pool;
}

scale_setup setup_of(const scale_system &s, scale_traffic traffic)
{
	scale_pool pool = pool_of(s);
	scale_setup setup;

	scale_count_setup(&s, &pool, traffic, &setup);
	return setup;
}

TEST(ScaleSetup, PoolsAreThePluginsOwn)
{
	scale_system s = real(2, 8);
	devmem_nic nic = {};

	nic.speed_mbps = 400000;
	nic.rx_queues = 64;
	scale_pool pool = pool_of(s);
	EXPECT_EQ(pool_size_queues(&nic), pool.queues);
	EXPECT_EQ(pool_size_bytes(&nic, 4, 4 * MiB, false), pool.bytes);
	EXPECT_EQ(pool_size_budget(pool.bytes, 4, 4 * MiB, 4096), pool.pages);
	EXPECT_EQ(pool.pages / 2 / BUDGET_SHARE, pool.fed);
	EXPECT_EQ(pool.fed + pool.pages - pool.fed * BUDGET_SHARE, pool.admitted);
	EXPECT_EQ(4u, pool.rules_of_nic);
	EXPECT_EQ(32u, pool.rules_of_host);
	s.nics = 2;
	EXPECT_EQ(16u, pool_of(s).rules_of_nic); // four GPUs at each
}

TEST(ScaleSetup, CountsConnectionsAndDescriptors)
{
	scale_system s = real(2, 8);

	s.queues = 2;
	scale_setup all_reduce = setup_of(s, SCALE_ALL_REDUCE), all_to_all = setup_of(s, SCALE_ALL_TO_ALL);
	EXPECT_EQ(16u, all_reduce.ring);
	EXPECT_EQ(16u, all_reduce.tree); // one neighbour in each of two trees
	EXPECT_EQ(0u, all_reduce.p2p);
	EXPECT_EQ(32u, all_reduce.host);
	EXPECT_EQ(4u, all_reduce.rank);
	EXPECT_EQ(4u, all_reduce.pool);
	EXPECT_EQ(64u, all_reduce.streams);
	// Four in and four out of three sockets each, four listeners, two queues with two each, binding and dmabuf.
	EXPECT_EQ(8u * 3 + 4 + 6, all_reduce.descriptors);
	EXPECT_DOUBLE_EQ(8 * 1e-3, all_reduce.seconds);
	EXPECT_EQ(64u, all_to_all.p2p);
	EXPECT_EQ(4u + 8, all_to_all.rank);
}

TEST(ScaleSetup, TellsWhatThePoolCannotFeed)
{
	scale_system s = real(2, 8);
	scale_pool pool = pool_of(s);

	EXPECT_EQ(BUDGET_SHARE, setup_of(s, SCALE_ALL_TO_ALL).share_pages);
	s.hosts = static_cast<unsigned int>(pool.fed / 8 + 2);
	EXPECT_EQ(1u, setup_of(s, SCALE_ALL_TO_ALL).share_pages);
	s.hosts = static_cast<unsigned int>(pool.admitted / 8 + 2);
	EXPECT_EQ(0u, setup_of(s, SCALE_ALL_TO_ALL).share_pages);
	EXPECT_EQ(BUDGET_SHARE, setup_of(s, SCALE_ALL_REDUCE).share_pages);
}

TEST(ScaleSetup, OneHostNeedsNoNetwork)
{
	scale_system s = real(1, 8);

	EXPECT_EQ(0u, setup_of(s, SCALE_ALL_TO_ALL).host);
	EXPECT_EQ(0, scale_ring_s(&s, MiB));
	EXPECT_EQ(0, scale_tree_s(&s, MiB));
}

const scale_limit *find(const scale_limit (&limits)[SCALE_LIMITS], const std::string &name)
{
	for (const scale_limit &limit : limits)
		if (name == limit.name)
			return &limit;
	return nullptr;
}

TEST(ScaleLimits, NamesTheFewestHostsThatBreakAndSortsByThem)
{
	scale_bounds bounds = {1024, 1024, 600, 256 * MiB};
	scale_system s = real(2, 8);
	scale_limit limits[SCALE_LIMITS];

	scale_limits(&s, &bounds, limits);
	const scale_limit *descriptors = find(limits, "descriptors of a process, all-to-all");
	ASSERT_NE(nullptr, descriptors);
	s.hosts = descriptors->hosts;
	EXPECT_GT(setup_of(s, SCALE_ALL_TO_ALL).descriptors, 1024u);
	EXPECT_EQ(descriptors->value, static_cast<double>(setup_of(s, SCALE_ALL_TO_ALL).descriptors));
	s.hosts--;
	EXPECT_LE(setup_of(s, SCALE_ALL_TO_ALL).descriptors, 1024u);
	EXPECT_EQ(0u, find(limits, "descriptors of a process, all-reduce")->hosts);
	for (unsigned int i = 1; i < SCALE_LIMITS; i++)
		EXPECT_LE(limits[i - 1].hosts - 1, limits[i].hosts - 1);
}

TEST(ScaleLimits, FollowTheirKnobs)
{
	scale_bounds few = {1u << 30, 3, 1e9, 8}, many = {1u << 30, 4, 1e9, 8};
	scale_system s = real(2, 8);
	scale_limit limits[SCALE_LIMITS];

	scale_limits(&s, &few, limits);
	EXPECT_EQ(2u, find(limits, "steering rules of a NIC")->hosts);
	EXPECT_EQ(2u, find(limits, "latency, % of ring time")->hosts); // of 8 bytes it is all
	EXPECT_EQ(0u, find(limits, "descriptors of a process, all-to-all")->hosts);
	unsigned int before = find(limits, "full shares of a pool, all-to-all")->hosts;
	s.pool_bytes = size_t{1} << 30;
	scale_limits(&s, &many, limits);
	EXPECT_EQ(0u, find(limits, "steering rules of a NIC")->hosts);
	EXPECT_GT(find(limits, "full shares of a pool, all-to-all")->hosts, before);
}

} // namespace

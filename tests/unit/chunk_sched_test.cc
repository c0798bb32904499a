// SPDX-License-Identifier: BSD-3-Clause
// Which stream takes the next chunk: equals take turns, and a slow one does not set the pace.
#include <gtest/gtest.h>

#include "chunk_sched.h"

namespace {

TEST(ChunkSched, EqualsTakeTurns)
{
	sched_load loads[3] = {};

	EXPECT_EQ(1, sched_pick(loads, 3, 0, 1));
	EXPECT_EQ(2, sched_pick(loads, 3, 1, 1));
	EXPECT_EQ(0, sched_pick(loads, 3, 2, 1));
	EXPECT_EQ(0, sched_pick(loads, 1, 0, 1));
}

TEST(ChunkSched, TakesTheFirstToDeliverThatHasRoomInLine)
{
	sched_load loads[3] = {};

	loads[0].under_way = 500;
	loads[1].under_way = 100;
	loads[1].waiting = SCHED_WAITING;
	loads[2].under_way = 300;
	EXPECT_EQ(2, sched_pick(loads, 3, 0, 1));
	loads[2].waiting = loads[0].waiting = SCHED_WAITING;
	EXPECT_EQ(-1, sched_pick(loads, 3, 0, 1));
}

TEST(ChunkSched, ChunksAreWholePagesAndCoverTheMessage)
{
	for (size_t len : {size_t(1), size_t(4096), size_t(130'000), size_t(1) << 20, (size_t(1) << 20) + 1, size_t(100) << 20}) {
		for (unsigned int n = 2; n <= SCHED_STREAMS; n++) {
			size_t chunk = sched_chunk(len, n);
			EXPECT_LE(chunk, len);
			EXPECT_GT(chunk, 0u);
			EXPECT_LE(chunk, size_t(SCHED_CHUNK_MAX));
			EXPECT_TRUE(chunk == len || chunk % 4096 == 0) << len << " over " << n;
		}
	}
}

// Streams of given speeds in bytes per tick carry messages of 1 MiB, 4 of them at once; returns bytes per tick.
double simulate(std::vector<size_t> speeds, bool by_turns)
{
	const size_t message = 1 << 20;
	struct Chunk {
		size_t left;
		int message;
	};
	std::vector<std::vector<Chunk>> lines(speeds.size());
	std::vector<sched_load> loads(speeds.size());
	std::vector<size_t> open;
	int first = 0;
	size_t delivered = 0;
	unsigned int last = 0;
	int ticks = 2000;

	for (int tick = 0; tick < ticks; tick++) {
		while (open.size() - static_cast<size_t>(first) < 4) {
			int number = static_cast<int>(open.size());
			open.push_back(message);
			for (size_t at = 0; at < message;) {
				size_t len = std::min(sched_chunk(message, static_cast<unsigned int>(speeds.size())), message - at);
				for (auto &load : loads)
					load.waiting = 0;
				int to = by_turns ? static_cast<int>((last + 1) % speeds.size())
						  : sched_pick(loads.data(), static_cast<unsigned int>(speeds.size()), last, len);
				last = static_cast<unsigned int>(to);
				lines[last].push_back({len, number});
				sched_assigned(&loads[last], len, static_cast<uint64_t>(tick) * 1000);
				at += len;
			}
		}
		for (size_t s = 0; s < speeds.size(); s++) {
			size_t can = speeds[s];
			while (can && !lines[s].empty()) {
				Chunk &chunk = lines[s].front();
				size_t n = std::min(can, chunk.left);
				chunk.left -= n;
				can -= n;
				sched_acknowledged(&loads[s], n, static_cast<uint64_t>(tick + 1) * 1000);
				open[static_cast<size_t>(chunk.message)] -= n;
				delivered += n;
				if (!chunk.left)
					lines[s].erase(lines[s].begin());
			}
		}
		while (static_cast<size_t>(first) < open.size() && open[static_cast<size_t>(first)] == 0)
			first++;
	}
	return static_cast<double>(delivered) / ticks;
}

TEST(ChunkSched, ASlowStreamDoesNotSetThePace)
{
	double all = 4 * 100'000, even = simulate({100'000, 100'000, 100'000, 100'000}, false);
	double uneven = simulate({100'000, 100'000, 100'000, 25'000}, false);
	double turns = simulate({100'000, 100'000, 100'000, 25'000}, true);

	EXPECT_GT(even, 0.9 * all);
	EXPECT_GT(uneven, 0.75 * 325'000);
	EXPECT_GT(uneven, 1.5 * turns) << "an even split waits for the slowest";
}

} // namespace

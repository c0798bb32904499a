// SPDX-License-Identifier: BSD-3-Clause
// Gather lists, the tokens that wait for them, and staging buffers, over a copy engine that takes its time.
#include <cerrno>
#include <cstring>
#include <deque>
#include <gtest/gtest.h>
#include <vector>

#include "mem_ops.h"
#include "place.h"
#include "stage.h"

namespace {

// Copies when told to.
struct SlowEngine {
	devmem_exporter base = {};
	std::deque<std::vector<devmem_copy>> batches;
	uint64_t started = 0, done = 0;
	bool full = false;
	int broken = 0;

	static SlowEngine *of(devmem_exporter *exporter) { return reinterpret_cast<SlowEngine *>(exporter); }
	static int start(devmem_exporter *exporter, const devmem_copy *pieces, unsigned int n, uint64_t *fence)
	{
		SlowEngine *engine = of(exporter);
		if (engine->full)
			return -EAGAIN;
		engine->batches.emplace_back(pieces, pieces + n);
		*fence = ++engine->started;
		return 0;
	}
	static int is_done(devmem_exporter *exporter, uint64_t fence)
	{
		return of(exporter)->broken ? of(exporter)->broken : fence <= of(exporter)->done;
	}
	void work()
	{
		for (auto &piece : batches.front())
			memcpy(piece.dst, piece.src, piece.len);
		batches.pop_front();
		done++;
	}
	devmem_exporter_ops ops = {};
	SlowEngine()
	{
		ops.copy_start = start;
		ops.copy_done = is_done;
		base.ops = &ops;
	}
};

struct Place {
	SlowEngine engine;
	::place place;
	Place() { place_init(&place, &engine.base); }
	~Place() { place_destroy(&place); }
};

TEST(Place, AdjacentPiecesAreOne)
{
	Place p;
	char from[100], to[100];

	place_add(&p.place, to, from, 10);
	place_add(&p.place, to + 10, from + 10, 20);
	EXPECT_EQ(1u, p.place.n_pieces);
	place_add(&p.place, to + 30, from + 40, 5);
	place_add(&p.place, to + 50, from + 45, 5);
	EXPECT_EQ(3u, p.place.n_pieces);
	EXPECT_EQ(PLACE_PIECES - 3u, place_room(&p.place));
}

TEST(Place, TokensAndPagesComeWhenTheirBatchIsThroughAndInOrder)
{
	Place p;
	char from[2] = {'a', 'b'}, to[2] = {};
	uint64_t fence = 0;
	place_token token;

	place_add(&p.place, to, from, 1);
	ASSERT_EQ(0, place_hold(&p.place, 3, 30));
	ASSERT_EQ(0, place_hold(&p.place, 4, 40));
	place_pages(&p.place, 2);
	ASSERT_EQ(1, place_start(&p.place, &fence));
	EXPECT_EQ(1u, fence);
	place_add(&p.place, to + 1, from + 1, 1);
	ASSERT_EQ(0, place_hold(&p.place, 5, 50));
	place_pages(&p.place, 1);
	ASSERT_EQ(1, place_start(&p.place, &fence));
	EXPECT_EQ(0, place_next(&p.place, &token));
	EXPECT_EQ(0u, p.place.pages_done);
	p.engine.work();
	ASSERT_EQ(1, place_next(&p.place, &token));
	EXPECT_EQ(30u, token.token);
	EXPECT_EQ(3u, token.stream);
	ASSERT_EQ(1, place_next(&p.place, &token));
	EXPECT_EQ(40u, token.token);
	EXPECT_EQ(0, place_next(&p.place, &token));
	EXPECT_EQ(2u, p.place.pages_done);
	p.engine.work();
	ASSERT_EQ(1, place_next(&p.place, &token));
	EXPECT_EQ(50u, token.token);
	EXPECT_EQ(0, place_next(&p.place, &token));
	EXPECT_EQ(3u, p.place.pages_done);
	EXPECT_EQ(0, memcmp(from, to, 2));
}

TEST(Place, AFullEngineLosesNothing)
{
	Place p;
	char from[1] = {'x'}, to[1];
	uint64_t fence = 77;
	place_token token;

	EXPECT_EQ(1, place_start(&p.place, &fence));
	EXPECT_EQ(77u, fence) << "an empty list starts nothing";
	place_add(&p.place, to, from, 1);
	ASSERT_EQ(0, place_hold(&p.place, 0, 1));
	p.engine.full = true;
	EXPECT_EQ(0, place_start(&p.place, &fence));
	EXPECT_EQ(0, place_next(&p.place, &token));
	p.engine.full = false;
	EXPECT_EQ(1, place_start(&p.place, &fence));
	p.engine.work();
	EXPECT_EQ(1, place_next(&p.place, &token));
	EXPECT_EQ('x', to[0]);
	place_add(&p.place, to, from, 1);
	EXPECT_EQ(1, place_start(&p.place, &fence));
	p.engine.broken = -EIO;
	EXPECT_EQ(-EIO, place_next(&p.place, &token));
}

TEST(Place, RingsGrowWhileTheyWrap)
{
	Place p;
	std::vector<char> from(4000), to(4000);
	uint64_t fence;
	place_token token;
	uint32_t next = 0, expected = 0;

	for (int round = 0; round < 2000; round++) {
		place_add(&p.place, &to[static_cast<size_t>(round)], &from[static_cast<size_t>(round)], 1);
		for (int i = 0; i < round % 5; i++) {
			ASSERT_EQ(0, place_hold(&p.place, next % 8, next));
			next++;
		}
		ASSERT_EQ(1, place_start(&p.place, &fence));
		if (round % 3 == 0)
			p.engine.work();
		while (place_next(&p.place, &token) > 0) {
			ASSERT_EQ(expected, token.token);
			ASSERT_EQ(expected % 8, token.stream);
			expected++;
		}
	}
	while (!p.engine.batches.empty())
		p.engine.work();
	while (place_next(&p.place, &token) > 0)
		ASSERT_EQ(expected++, token.token);
	EXPECT_EQ(next, expected);
}

TEST(Stage, FillsAheadAndGivesBytesInOrder)
{
	SlowEngine engine;
	stage stage = {};
	std::vector<uint8_t> data(5 * STAGE_BYTES / 2), got;
	const uint8_t *bytes;
	size_t filled = 0, n;

	stage.exporter = &engine.base;
	for (size_t i = 0; i < data.size(); i++)
		data[i] = static_cast<uint8_t>(i * 7 + i / 251);
	EXPECT_EQ(0, stage_peek(&stage, &bytes, &n));
	while (got.size() < data.size()) {
		for (;;) {
			if (filled == data.size())
				break;
			ssize_t step = stage_fill(&stage, &data[filled], data.size() - filled);
			if (step == 0)
				break;
			filled += static_cast<size_t>(step);
		}
		if (got.empty()) {
			EXPECT_EQ(data.size(), filled) << "three slots of four";
		}
		if (stage_peek(&stage, &bytes, &n) == 0) {
			ASSERT_FALSE(engine.batches.empty());
			engine.work();
			continue;
		}
		n = std::min<size_t>(n, 100'001);
		got.insert(got.end(), bytes, bytes + n);
		stage_take(&stage, n);
	}
	EXPECT_EQ(data, got);
	EXPECT_EQ(0u, stage.n);
	stage_destroy(&stage);
}

TEST(Stage, HasFourSlotsAndMindsAFullEngine)
{
	SlowEngine engine;
	stage stage = {};
	uint8_t byte = 1;

	stage.exporter = &engine.base;
	engine.full = true;
	EXPECT_EQ(0, stage_fill(&stage, &byte, 1));
	engine.full = false;
	for (unsigned int i = 0; i < STAGE_SLOTS; i++)
		EXPECT_EQ(1, stage_fill(&stage, &byte, 1));
	EXPECT_EQ(0, stage_fill(&stage, &byte, 1));
	while (!engine.batches.empty())
		engine.work();
	stage_destroy(&stage);
}

} // namespace

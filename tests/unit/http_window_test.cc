// SPDX-License-Identifier: BSD-3-Clause
// The window of the loader: which bytes of a ring are taken, against a map of every block.
#include <cerrno>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <vector>

#include "window.h"

namespace {

constexpr uint64_t block = WINDOW_ALIGN;

struct Window {
	::window ring = {};
	explicit Window(uint64_t size) { ring.size = size; }
	~Window() { window_free(&ring); }
	// The offset, or -errno.
	int64_t take(uint64_t key, uint64_t len)
	{
		uint64_t offset = 0;
		int ret = window_take(&ring, key, len, &offset);
		return ret ? ret : static_cast<int64_t>(offset);
	}
	int give(uint64_t key) { return window_give(&ring, key); }
};

TEST(HttpWindow, PiecesComeOneBehindTheOtherAndAligned)
{
	Window window(8 * block);

	EXPECT_EQ(0, window.take(1, 1));
	EXPECT_EQ(1 * block, window.take(2, block));
	EXPECT_EQ(2 * block, window.take(3, block + 1));
	EXPECT_EQ(4 * block, window.take(4, 4 * block)) << "exactly to the end";
	EXPECT_EQ(-EAGAIN, window.take(5, 1));
	EXPECT_EQ(block, window_span_len(&window.ring, 1));
	EXPECT_EQ(2 * block, window_span_len(&window.ring, 3));
	EXPECT_EQ(0u, window_span_len(&window.ring, 5));
}

TEST(HttpWindow, NothingTakesRoomToo)
{
	Window window(2 * block);

	EXPECT_EQ(0, window.take(1, 0));
	EXPECT_EQ(block, window.take(2, 0));
	EXPECT_EQ(-EAGAIN, window.take(3, 0));
	EXPECT_EQ(0, window.give(1));
	EXPECT_EQ(0, window.take(3, 0));
}

TEST(HttpWindow, AllOfIt)
{
	Window window(3 * block);

	EXPECT_EQ(0, window.take(1, 3 * block));
	EXPECT_EQ(-EAGAIN, window.take(2, 1));
	EXPECT_EQ(0, window.give(1));
	EXPECT_EQ(0, window.take(2, 3 * block - 1));
}

TEST(HttpWindow, MoreThanAllOfIt)
{
	Window window(3 * block);

	EXPECT_EQ(-EMSGSIZE, window.take(1, 3 * block + 1));
	EXPECT_EQ(-EMSGSIZE, window.take(1, UINT64_MAX));
	EXPECT_EQ(0, window.take(1, 3 * block)) << "what did not fit took nothing";
	EXPECT_EQ(-EMSGSIZE, window.take(2, 3 * block + 1)) << "never, not later";
}

TEST(HttpWindow, ASizeThatIsNotAligned)
{
	Window window(2 * block + 5);

	EXPECT_EQ(0, window.take(1, 2 * block + 5)) << "as large as the window, so it fits";
	EXPECT_EQ(2 * block + 5, window_span_len(&window.ring, 1));
	EXPECT_EQ(0, window.give(1));
	EXPECT_EQ(0, window.take(2, 2 * block));
	EXPECT_EQ(-EAGAIN, window.take(3, 6));
	EXPECT_EQ(2 * block, window.take(3, 5));
	EXPECT_EQ(5u, window_span_len(&window.ring, 3));
	EXPECT_EQ(-EAGAIN, window.take(4, 1));
	EXPECT_EQ(0, window.give(2));
	EXPECT_EQ(0, window.take(4, 2 * block)) << "round the end";
}

TEST(HttpWindow, GoesRound)
{
	Window window(4 * block);

	EXPECT_EQ(0, window.take(1, 2 * block));
	EXPECT_EQ(2 * block, window.take(2, block));
	EXPECT_EQ(-EAGAIN, window.take(3, 2 * block)) << "one block at the end, none before";
	EXPECT_EQ(0, window.give(1));
	EXPECT_EQ(0, window.take(3, 2 * block)) << "in one piece, not round the end";
	EXPECT_EQ(-EAGAIN, window.take(4, 1)) << "its end meets the oldest; the block behind that was passed over";
	EXPECT_EQ(0, window.give(2));
	EXPECT_EQ(2 * block, window.take(4, 2 * block));
	EXPECT_EQ(-EAGAIN, window.take(5, 1));
}

TEST(HttpWindow, GivenBackInAnyOrder)
{
	Window window(4 * block);

	for (uint64_t key = 0; key < 4; key++)
		EXPECT_EQ(static_cast<int64_t>(key * block), window.take(key, block));
	EXPECT_EQ(0, window.give(2));
	EXPECT_EQ(0, window.give(1));
	EXPECT_EQ(-EAGAIN, window.take(4, block)) << "they lie between others";
	EXPECT_EQ(0, window.give(0));
	EXPECT_EQ(0, window.take(4, 3 * block));
}

TEST(HttpWindow, TheNewestCanBeTakenAgainBeforeTheOldest)
{
	Window window(4 * block);

	EXPECT_EQ(0, window.take(0, block));
	EXPECT_EQ(block, window.take(1, block));
	EXPECT_EQ(2 * block, window.take(2, 2 * block));
	EXPECT_EQ(0, window.give(1));
	EXPECT_EQ(0, window.give(2));
	EXPECT_EQ(block, window.take(3, 3 * block)) << "who keeps the oldest must not wait for himself";
}

TEST(HttpWindow, OnlyWhatIsTakenCanBeGiven)
{
	Window window(4 * block);

	EXPECT_EQ(-EINVAL, window.give(0));
	EXPECT_EQ(0, window.take(1, block));
	EXPECT_EQ(block, window.take(2, block));
	EXPECT_EQ(-EINVAL, window.give(3));
	EXPECT_EQ(0, window.give(2));
	EXPECT_EQ(-EINVAL, window.give(2));
	EXPECT_EQ(0u, window_span_len(&window.ring, 2));
	EXPECT_EQ(0, window.give(1));
	EXPECT_EQ(-EINVAL, window.give(1));
}

TEST(HttpWindow, GrowsWhileItsListIsRoundTheEnd)
{
	Window window(1000 * block);
	uint64_t oldest = 0, next = 0;

	for (; next < 10; next++)
		ASSERT_GE(window.take(next, block), 0);
	for (; oldest < 9; oldest++)
		ASSERT_EQ(0, window.give(oldest));
	for (; next < 700; next++)
		ASSERT_EQ(static_cast<int64_t>(next * block), window.take(next, block));
	for (; oldest < next; oldest++) {
		ASSERT_EQ(block, window_span_len(&window.ring, oldest));
		ASSERT_EQ(0, window.give(oldest));
	}
	EXPECT_EQ(0, window.take(next, 1000 * block));
}

// What is taken, block by block.
struct Model {
	std::vector<bool> taken;
	std::map<uint64_t, std::pair<uint64_t, uint64_t>> pieces; // first and number of blocks, by key
	explicit Model(uint64_t blocks) : taken(blocks) {}
	void mark(uint64_t key, bool value)
	{
		for (uint64_t i = 0; i < pieces[key].second; i++) {
			ASSERT_NE(value, taken[pieces[key].first + i]) << "of two pieces";
			taken[pieces[key].first + i] = value;
		}
	}
	// As many blocks in a row are free.
	bool has(uint64_t blocks) const
	{
		uint64_t row = 0;
		for (bool one : taken) {
			row = one ? 0 : row + 1;
			if (row >= blocks)
				return true;
		}
		return blocks == 0;
	}
};

TEST(HttpWindow, IsRightForRandomSizesAndOrders)
{
	std::mt19937_64 random(7);

	for (unsigned int round = 0; round < 200; round++) {
		uint64_t blocks = 1 + random() % 40, key = 0;
		Window window(blocks * block);
		Model model(blocks);

		for (int step = 0; step < 500; step++) {
			if (random() % 2 && !model.pieces.empty()) {
				auto piece = model.pieces.begin();
				std::advance(piece, random() % std::min<size_t>(model.pieces.size(), 1 + round % 8));
				ASSERT_EQ(0, window.give(piece->first));
				model.mark(piece->first, false);
				model.pieces.erase(piece);
				continue;
			}
			uint64_t len = random() % (1 + blocks * block / (1 + random() % 6)), need = len ? (len + block - 1) / block : 1;
			int64_t offset = window.take(++key, len);
			if (offset < 0) {
				ASSERT_EQ(-EAGAIN, offset);
				ASSERT_FALSE(model.pieces.empty()) << "nothing is taken, but " << len << " bytes do not fit";
				continue;
			}
			ASSERT_TRUE(model.has(need));
			ASSERT_EQ(0u, static_cast<uint64_t>(offset) % block);
			ASSERT_LE(static_cast<uint64_t>(offset) + len, window.ring.size);
			model.pieces[key] = {static_cast<uint64_t>(offset) / block, need};
			model.mark(key, true);
			ASSERT_EQ(need * block, window_span_len(&window.ring, key));
		}
	}
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// Which sends are done, from ranges in any order.
#include <cerrno>
#include <gtest/gtest.h>
#include <memory>

#include "completion.h"

namespace {

struct Completions : testing::Test {
	std::unique_ptr<completion_set> set{new completion_set{}};
	void start_at(uint32_t number) { set->next = set->done = number; }
	uint32_t add(int n)
	{
		uint32_t last = 0;
		while (n--)
			last = completion_add(set.get());
		return last;
	}
};

TEST_F(Completions, ReachesANumberWhenAllBeforeItAreDone)
{
	add(5);
	EXPECT_FALSE(completion_reached(set.get(), 0));
	EXPECT_EQ(0, completion_mark(set.get(), 2, 3));
	EXPECT_FALSE(completion_reached(set.get(), 2)) << "0 and 1 are still under way";
	EXPECT_EQ(0, completion_mark(set.get(), 0, 1));
	EXPECT_TRUE(completion_reached(set.get(), 3));
	EXPECT_FALSE(completion_reached(set.get(), 4));
}

TEST_F(Completions, GoOverTheEndOfThirtyTwoBits)
{
	start_at(0xfffffffe);
	uint32_t last = add(4);
	EXPECT_EQ(1u, last);
	EXPECT_EQ(0, completion_mark(set.get(), 0, 1));
	EXPECT_FALSE(completion_reached(set.get(), 0));
	EXPECT_EQ(0, completion_mark(set.get(), 0xfffffffe, 0xffffffff));
	EXPECT_TRUE(completion_reached(set.get(), 1));
	EXPECT_FALSE(completion_reached(set.get(), 2));
}

TEST_F(Completions, RefuseNumbersThatAreNotUnderWay)
{
	add(3);
	EXPECT_EQ(-EPROTO, completion_mark(set.get(), 3, 3));
	EXPECT_EQ(-EPROTO, completion_mark(set.get(), 2, 5));
	EXPECT_EQ(-EPROTO, completion_mark(set.get(), 2, 1));
	EXPECT_EQ(0, completion_mark(set.get(), 0, 0));
	EXPECT_EQ(-EPROTO, completion_mark(set.get(), 0, 0)) << "done already";
}

TEST_F(Completions, AreFullAtTheWindow)
{
	start_at(12345);
	uint32_t last = add(COMPLETION_WINDOW);
	EXPECT_TRUE(completion_full(set.get()));
	EXPECT_EQ(0, completion_mark(set.get(), 12345, last));
	EXPECT_FALSE(completion_full(set.get()));
	EXPECT_TRUE(completion_reached(set.get(), last));
}

} // namespace

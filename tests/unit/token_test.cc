// SPDX-License-Identifier: BSD-3-Clause
// The set of tokens that are out, and the batch of those to give back.
#include <cerrno>
#include <gtest/gtest.h>
#include <random>
#include <set>

#include "token.h"

namespace {

struct Tokens : testing::Test {
	~Tokens() override { token_set_free(&set); }
	token_set set = {};
};

TEST_F(Tokens, TakesEachTokenOnceUntilItIsBack)
{
	EXPECT_EQ(0, token_take(&set, 7));
	EXPECT_EQ(-EEXIST, token_take(&set, 7));
	EXPECT_EQ(0, token_put(&set, 7));
	EXPECT_EQ(-EINVAL, token_put(&set, 7));
	EXPECT_EQ(0, token_take(&set, 7)) << "the kernel reuses a number at once";
}

TEST_F(Tokens, RefusesWhatWasNeverGiven)
{
	EXPECT_EQ(-EINVAL, token_put(&set, 1));
	EXPECT_EQ(0, token_take(&set, 1));
	EXPECT_EQ(-EINVAL, token_put(&set, 2));
	EXPECT_EQ(-EINVAL, token_put(&set, 1'000'000));
	EXPECT_EQ(-EINVAL, token_take(&set, 0x80000000u)) << "tokens have 31 bits";
}

TEST_F(Tokens, JoinsAdjacentTokensToOneRange)
{
	for (uint32_t token : {5u, 6u, 7u, 9u, 10u})
		ASSERT_EQ(0, token_take(&set, token));
	for (uint32_t token : {5u, 6u, 7u, 9u, 10u})
		ASSERT_EQ(0, token_put(&set, token));
	ASSERT_EQ(2u, set.n_ranges);
	EXPECT_EQ(5u, set.batch[0].token_start);
	EXPECT_EQ(3u, set.batch[0].token_count);
	EXPECT_EQ(9u, set.batch[1].token_start);
	EXPECT_EQ(2u, set.batch[1].token_count);
	EXPECT_EQ(5u, set.n_out) << "until the batch is handed over";
	token_batch_done(&set);
	EXPECT_EQ(0u, set.n_out);
	EXPECT_EQ(0u, set.n_ranges);
}

TEST_F(Tokens, BatchEndsAt128RangesOr1024Tokens)
{
	for (uint32_t i = 0; i < 200; i++)
		ASSERT_EQ(0, token_take(&set, i * 2));
	for (uint32_t i = 0; i < 128; i++) {
		EXPECT_FALSE(token_batch_full(&set));
		ASSERT_EQ(0, token_put(&set, i * 2));
	}
	EXPECT_TRUE(token_batch_full(&set));
	EXPECT_EQ(-ENOSPC, token_put(&set, 300));
	token_batch_done(&set);
	EXPECT_EQ(0, token_put(&set, 300)) << "the refused one is still out";

	for (uint32_t i = 0; i < 1024; i++)
		ASSERT_EQ(0, token_take(&set, 1000 + i));
	token_batch_done(&set);
	for (uint32_t i = 0; i < 1024; i++)
		ASSERT_EQ(0, token_put(&set, 1000 + i));
	EXPECT_EQ(1u, set.n_ranges);
	EXPECT_TRUE(token_batch_full(&set));
}

TEST_F(Tokens, AgreesWithASetOverRandomUse)
{
	std::mt19937 random(1);
	std::set<uint32_t> out;

	for (int i = 0; i < 100'000; i++) {
		uint32_t token = random() % 3000;
		if (random() % 2) {
			ASSERT_EQ(out.insert(token).second ? 0 : -EEXIST, token_take(&set, token));
		} else {
			if (token_batch_full(&set))
				token_batch_done(&set);
			ASSERT_EQ(out.erase(token) ? 0 : -EINVAL, token_put(&set, token));
		}
		ASSERT_EQ(out.size() + set.n_batched, set.n_out);
	}
}

} // namespace

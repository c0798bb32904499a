// SPDX-License-Identifier: BSD-3-Clause
// Pages of a pool: what is promised never exceeds what is there, and nobody waits for ever.
#include <cerrno>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "budget.h"

namespace {

struct Budget {
	explicit Budget(unsigned int pages) { budget_init(&budget, pages); }
	~Budget() { budget_destroy(&budget); }
	budget_share join()
	{
		budget_share share = {};
		EXPECT_EQ(0, budget_join(&budget, &share));
		return share;
	}
	::budget budget;
};

TEST(Budget, OneConnectionMayHaveAll)
{
	Budget b(1000);
	budget_share share = b.join();

	EXPECT_EQ(1000u, budget_take(&b.budget, &share, 5000));
	EXPECT_EQ(0u, budget_take(&b.budget, &share, 1));
	budget_give(&b.budget, &share, 1000);
	EXPECT_EQ(0u, budget_low(&b.budget));
	budget_leave(&b.budget, &share);
	EXPECT_EQ(1000u, b.budget.pot);
	EXPECT_EQ(0u, b.budget.kept);
}

TEST(Budget, WhoeverHoldsNothingGetsSomethingHoweverGreedyTheOthers)
{
	Budget b(100);
	budget_share first = b.join(), second = b.join();

	EXPECT_EQ(100u - BUDGET_SHARE, budget_take(&b.budget, &first, 1000));
	EXPECT_EQ(BUDGET_SHARE, budget_take(&b.budget, &second, 1000));
	EXPECT_EQ(0u, budget_take(&b.budget, &second, 1000));
	budget_give(&b.budget, &second, 1);
	EXPECT_EQ(0u, budget_take(&b.budget, &first, 1)) << "what is kept is lent to nobody";
	EXPECT_EQ(1u, budget_take(&b.budget, &second, 1000));
	budget_leave(&b.budget, &first);
	budget_leave(&b.budget, &second);
	EXPECT_EQ(100u, b.budget.pot);
}

TEST(Budget, ANewcomerWaitsForWhatIsLentAndIsRefusedWhenThePoolFeedsNoMore)
{
	Budget b(40);
	budget_share greedy = b.join(), other = {};
	std::vector<budget_share> shares;

	EXPECT_EQ(40u, budget_take(&b.budget, &greedy, 40));
	EXPECT_EQ(-EAGAIN, budget_join(&b.budget, &other));
	budget_give(&b.budget, &greedy, 30);
	EXPECT_EQ(0, budget_join(&b.budget, &other));
	EXPECT_EQ(1u, other.kept) << "half of all may be kept as full shares";
	budget_give(&b.budget, &greedy, 10);
	while (b.budget.kept < 40)
		shares.push_back(b.join());
	EXPECT_EQ(-ENOSPC, budget_join(&b.budget, &other));
	for (auto &share : shares)
		EXPECT_EQ(1u, budget_take(&b.budget, &share, 7));
	budget_leave(&b.budget, &greedy);
	EXPECT_EQ(0, budget_join(&b.budget, &other));
}

TEST(Budget, IsAmpleForWhoHoldsHisOwnAndWhileMostOfThePotIsThere)
{
	Budget b(100 + 2 * BUDGET_SHARE);
	budget_share first = b.join(), second = b.join();

	budget_take(&b.budget, &first, BUDGET_SHARE + 50);
	EXPECT_TRUE(budget_ample(&b.budget, &first));
	budget_take(&b.budget, &first, 1);
	EXPECT_FALSE(budget_ample(&b.budget, &first)) << "more than half is lent";
	budget_take(&b.budget, &second, BUDGET_SHARE);
	EXPECT_TRUE(budget_ample(&b.budget, &second)) << "what is its own helps nobody else";
	budget_leave(&b.budget, &first);
	budget_leave(&b.budget, &second);
}

TEST(Budget, LeavingTwiceOrWithoutJoiningIsNothing)
{
	Budget b(10);
	budget_share share = {};

	budget_leave(&b.budget, &share);
	share = b.join();
	budget_leave(&b.budget, &share);
	budget_leave(&b.budget, &share);
	EXPECT_EQ(10u, b.budget.pot);
	EXPECT_EQ(0u, b.budget.n_shares);
}

TEST(Budget, RandomUseNeverPromisesMoreThanThereIs)
{
	std::mt19937 random(7);
	Budget b(300);
	std::vector<budget_share> shares;

	for (int i = 0; i < 200'000; i++) {
		unsigned int held = 0, kept = 0;
		size_t one = shares.empty() ? 0 : random() % shares.size();
		switch (random() % 8) {
		case 0: {
			budget_share share = {};
			if (shares.size() < 50 && !budget_join(&b.budget, &share))
				shares.push_back(share);
			break;
		}
		case 1:
			if (!shares.empty() && random() % 4 == 0) {
				budget_leave(&b.budget, &shares[one]);
				shares.erase(shares.begin() + static_cast<long>(one));
			}
			break;
		case 2:
		case 3:
		case 4:
			if (!shares.empty()) {
				bool none = shares[one].held == 0;
				unsigned int got = budget_take(&b.budget, &shares[one], 1 + random() % 100);
				ASSERT_TRUE(got > 0 || !none);
			}
			break;
		default:
			if (!shares.empty() && shares[one].held)
				budget_give(&b.budget, &shares[one], 1 + random() % shares[one].held);
		}
		for (auto &share : shares) {
			held += std::max(share.held, share.kept);
			kept += share.kept;
		}
		ASSERT_EQ(300u, held + b.budget.pot);
		ASSERT_EQ(kept, b.budget.kept);
	}
}

} // namespace

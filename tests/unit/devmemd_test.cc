// SPDX-License-Identifier: BSD-3-Clause
// Who devmemd leases to.
#include <cerrno>
#include <gtest/gtest.h>

#include "policy.h"

namespace {

TEST(Policy, AllowsRootAndWhomItNames)
{
	policy policy = {};
	gid_t groups[] = {7, 8, 9};

	EXPECT_TRUE(policy_allows(&policy, 0, 0, nullptr, 0));
	EXPECT_FALSE(policy_allows(&policy, 1000, 1000, groups, 3));
	ASSERT_EQ(0, policy_add_user(&policy, "1000"));
	EXPECT_TRUE(policy_allows(&policy, 1000, 1, nullptr, 0));
	EXPECT_FALSE(policy_allows(&policy, 1001, 1000, groups, 3));
	ASSERT_EQ(0, policy_add_group(&policy, "9"));
	EXPECT_TRUE(policy_allows(&policy, 1001, 1000, groups, 3)) << "a supplementary group";
	EXPECT_FALSE(policy_allows(&policy, 1001, 1000, groups, 2));
	EXPECT_TRUE(policy_allows(&policy, 1001, 9, nullptr, 0)) << "the group itself";
	EXPECT_FALSE(policy_allows(&policy, 9, 1000, nullptr, 0)) << "a user is no group";
}

// Being of group 0 is no privilege.
TEST(Policy, RootsGroupIsNotRoot)
{
	policy policy = {};
	gid_t none[] = {0};

	EXPECT_FALSE(policy_allows(&policy, 1000, 0, none, 1));
}

TEST(Policy, TakesNamesAndNumbersOnly)
{
	policy policy = {};

	ASSERT_EQ(0, policy_add_user(&policy, "root"));
	EXPECT_EQ(0u, policy.users[0]);
	for (const char *bad : {"", "no-such-user", "-1", "4294967295", "4294967296", "99999999999999999999", "10x", " 1", "+1"}) {
		EXPECT_EQ(-ENOENT, policy_add_user(&policy, bad)) << bad;
		EXPECT_EQ(-ENOENT, policy_add_group(&policy, bad)) << bad;
	}
	EXPECT_EQ(1u, policy.n_users);
	while (policy.n_users < POLICY_MAX)
		ASSERT_EQ(0, policy_add_user(&policy, "5"));
	EXPECT_EQ(-ENOSPC, policy_add_user(&policy, "5"));
}

} // namespace

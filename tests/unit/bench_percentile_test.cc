// SPDX-License-Identifier: BSD-3-Clause
// Order statistics.
#include <gtest/gtest.h>

extern "C" {
#include "percentile.h"
}

namespace {

TEST(Percentile, IsTheSmallestValueThatSoManyDoNotExceed)
{
	uint64_t values[1000];

	for (uint64_t i = 0; i < 1000; i++)
		values[i] = 1000 - i;
	sort_u64(values, 1000);
	EXPECT_EQ(500u, percentile(values, 1000, 500));
	EXPECT_EQ(990u, percentile(values, 1000, 990));
	EXPECT_EQ(1000u, percentile(values, 1000, 1000));
	EXPECT_EQ(1u, percentile(values, 1000, 0));
	EXPECT_EQ(2u, percentile(values, 3, 500));
	EXPECT_EQ(3u, percentile(values, 3, 999));
	EXPECT_EQ(0u, percentile(values, 0, 500));
}

TEST(Median, IsInTheMiddleOrBetween)
{
	double odd[] = {5, 1, 9}, even[] = {4, 1, 9, 2};

	EXPECT_EQ(5, median(odd, 3));
	EXPECT_EQ(3, median(even, 4));
	EXPECT_EQ(0, median(odd, 0));
}

} // namespace

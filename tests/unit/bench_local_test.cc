// SPDX-License-Identifier: BSD-3-Clause
// What a rank uses of its host: its number there, and the NICs that are nearest to its GPU.
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "local_rank.h"
#include "nearest.h"

namespace {

std::vector<unsigned int> nearest(std::vector<const char *> nics, const char *gpu)
{
	std::vector<unsigned int> near(nics.size());

	near.resize(nearest_nics(nics.data(), (unsigned int)nics.size(), gpu, near.data()));
	return near;
}

using Numbers = std::vector<unsigned int>;

constexpr const char *gpu = "/sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/0000:18:04.0";

TEST(NearestNics, AreThoseBehindTheSameSwitch)
{
	EXPECT_EQ(Numbers({2}), nearest({"/sys/devices/pci0000:97/0000:97:01.0/0000:98:00.0",
					 "/sys/devices/pci0000:16/0000:16:02.0/0000:19:00.0",
					 "/sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/0000:18:05.0"},
					gpu));
}

TEST(NearestNics, AreSeveralWhenTheyAreAsNear)
{
	EXPECT_EQ(Numbers({0, 2}), nearest({"/sys/devices/pci0000:16/0000:16:02.0/0000:19:00.0", "/sys/devices/pci0000:97/0000:97:01.0/0000:98:00.0",
					    "/sys/devices/pci0000:16/0000:16:03.0/0000:20:00.0"},
					   gpu));
}

// 0000:16:01.0 and 0000:16:01.1 are two devices, however much of their names is the same.
TEST(NearestNics, AreComparedByWholeNames)
{
	EXPECT_EQ(Numbers({0, 1}), nearest({"/sys/devices/pci0000:16/0000:16:01.1/0000:21:00.0", "/sys/devices/pci0000:16/0000:16:02.0/0000:19:00.0"}, gpu));
}

TEST(NearestNics, AreAllWhereNothingIsKnown)
{
	EXPECT_EQ(Numbers({0, 1}), nearest({nullptr, nullptr}, gpu));
	EXPECT_EQ(Numbers({0, 1}), nearest({gpu, nullptr}, nullptr));
	EXPECT_EQ(Numbers({1}), nearest({nullptr, "/sys/devices/pci0000:97/0000:97:01.0"}, gpu));
}

struct LocalRank : testing::Test {
	failure why = {};

	void SetUp() override
	{
		for (const char *name : {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"})
			unsetenv(name);
	}
	void TearDown() override
	{
		SetUp();
	}
};

TEST_F(LocalRank, IsWhatTheLauncherSays)
{
	setenv("SLURM_LOCALID", "5", 1);
	EXPECT_EQ(5, local_rank_of_environment(&why));
	setenv("OMPI_COMM_WORLD_LOCAL_RANK", "3", 1);
	EXPECT_EQ(3, local_rank_of_environment(&why));
	setenv("LOCAL_RANK", "0", 1);
	EXPECT_EQ(0, local_rank_of_environment(&why)) << "a user's wrapper has the last word";
}

TEST_F(LocalRank, IsUnknownWithoutALauncher)
{
	EXPECT_EQ(-1, local_rank_of_environment(&why));
	EXPECT_STREQ("", why.text);
}

TEST_F(LocalRank, MustBeANumber)
{
	for (const char *bad : {"-1", "x", "1x", "99999999999999999999"}) {
		why = {};
		setenv("LOCAL_RANK", bad, 1);
		EXPECT_EQ(-1, local_rank_of_environment(&why));
		EXPECT_NE(nullptr, strstr(why.text, "LOCAL_RANK is '")) << bad << ": " << why.text;
	}
}

} // namespace

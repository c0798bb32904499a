// SPDX-License-Identifier: BSD-3-Clause
// Costs of the model: the fit, and the files of p2p that it is made of.
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "scale_fit.h"

namespace {

TEST(Fit, RecoversALine)
{
	fit_point points[6];
	fit line;
	unsigned int n = 0;

	for (double bytes : {8.0, 4096.0, 65536.0, 524288.0, 1048576.0, 4194304.0})
		points[n++] = {bytes, 7e-6 + 0.25e-9 * bytes};
	ASSERT_EQ(0, fit_line(points, n, &line));
	EXPECT_NEAR(7e-6, line.message_s, 1e-15);
	EXPECT_NEAR(0.25e-9, line.byte_s, 1e-19);
	EXPECT_NEAR(0, line.noise, 1e-9);
	EXPECT_EQ(6u, line.points);
}

TEST(Fit, ItsNoiseIsThatOfThePoints)
{
	// One tenth above and below the same time at each of two sizes: the line goes between, a bit lower where weights differ.
	fit_point points[] = {{100, 0.9e-6}, {100, 1.1e-6}, {1e6, 0.9e-3}, {1e6, 1.1e-3}};
	fit line;

	ASSERT_EQ(0, fit_line(points, 4, &line));
	EXPECT_NEAR(0.1, line.noise, 0.01);
	EXPECT_NEAR(0.1, line.worst, 0.03);
}

TEST(Fit, NoCostIsNegative)
{
	fit_point falling[] = {{8, 2e-6}, {1024, 1e-6}}, steep[] = {{1000, 1e-6}, {2000, 4e-6}};
	fit line;

	ASSERT_EQ(0, fit_line(falling, 2, &line));
	EXPECT_EQ(0, line.byte_s);
	EXPECT_GT(line.message_s, 0);
	ASSERT_EQ(0, fit_line(steep, 2, &line));
	EXPECT_EQ(0, line.message_s);
	EXPECT_GT(line.byte_s, 0);
	EXPECT_GT(line.noise, 0);
}

TEST(Fit, RefusesFewerThanTwoSizes)
{
	fit_point points[] = {{64, 1e-6}, {64, 2e-6}};
	fit line;

	EXPECT_EQ(-EINVAL, fit_line(points, 0, &line));
	EXPECT_EQ(-EINVAL, fit_line(points, 1, &line));
	EXPECT_EQ(-EINVAL, fit_line(points, 2, &line));
	points[1] = {128, 0};
	EXPECT_EQ(-EINVAL, fit_line(points, 2, &line));
}

class Files : public testing::Test
{
protected:
	std::string path = "/tmp/scale-" + std::to_string(getpid()) + ".json";
	fit_point points[FIT_MAX_POINTS];
	unsigned int n = 0;
	struct failure why = {};

	void TearDown() override { unlink(path.c_str()); }

	int read(const std::string &text, const char *plugin = "devmem")
	{
		std::ofstream(path) << text;
		return costs_read(path.c_str(), plugin, points, &n, &why);
	}

	static std::string result(const char *plugin, int channels, int wrong = 0)
	{
		return std::string(R"({"plugin": ")") + plugin + R"(", "size": 1000000, "channels": )" + std::to_string(channels) +
		       R"(, "seconds_per_gb": 0.5, "nic_s_per_gb": 0.1, "wrong": )" + std::to_string(wrong) + "}";
	}

	static std::string results(const std::string &list, bool both = false)
	{
		return std::string(R"({"bidirectional": )") + (both ? "true" : "false") + R"(, "results": [)" + list + "]}";
	}
};

TEST_F(Files, GiveTheTimeOfAMessageWithoutTheNics)
{
	ASSERT_EQ(0, read(results(result("x/libnccl-net-devmem.so", 1)))) << why.text;
	ASSERT_EQ(1u, n);
	EXPECT_EQ(1e6, points[0].bytes);
	EXPECT_DOUBLE_EQ(0.4e-3, points[0].seconds);
}

TEST_F(Files, OfBothDirectionsGiveTheTimeOfOneEachWay)
{
	ASSERT_EQ(0, read(results(result("devmem", 1), true)));
	EXPECT_DOUBLE_EQ(0.8e-3, points[0].seconds);
}

TEST_F(Files, OtherPluginsAndSeveralChannelsDoNotCount)
{
	ASSERT_EQ(0, read(results(result("devmem", 4) + "," + result("socket", 1))));
	EXPECT_EQ(0u, n);
	ASSERT_EQ(0, read(results(result("devmem", 4) + "," + result("socket", 1)), "sock"));
	EXPECT_EQ(1u, n);
}

TEST_F(Files, ThatAreOfNoUseAreRefusedWithTheReason)
{
	EXPECT_EQ(-1, read("{"));
	EXPECT_NE(std::string::npos, std::string(why.text).find("p2p --json"));
	why = {};
	EXPECT_EQ(-1, read("{}"));
	EXPECT_NE(std::string::npos, std::string(why.text).find("no results"));
	why = {};
	EXPECT_EQ(-1, read(results(result("devmem", 1, 3))));
	EXPECT_NE(std::string::npos, std::string(why.text).find("wrong"));
	why = {};
	EXPECT_EQ(-1, read(results(R"({"plugin": "devmem", "channels": 1, "size": 8})")));
	EXPECT_NE(std::string::npos, std::string(why.text).find("no time"));
}

TEST_F(Files, TellHowLongAConnectionTakes)
{
	double seconds = 0;

	std::ofstream(path) << R"({"connections": 512, "connect_seconds": 0.256})";
	ASSERT_EQ(0, costs_read_connect(path.c_str(), &seconds, &why));
	EXPECT_DOUBLE_EQ(0.5e-3, seconds);
	std::ofstream(path) << R"({"connections": 0, "connect_seconds": 0.256})";
	EXPECT_EQ(-1, costs_read_connect(path.c_str(), &seconds, &why));
}

} // namespace

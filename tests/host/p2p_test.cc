// SPDX-License-Identifier: BSD-3-Clause
// p2p: it measures several plugins in turns, and neither wrong data nor a plugin that hangs goes unseen.
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <regex>
#include <unistd.h>

#include "mpi_run.h"

namespace {

const std::string kBrief = "-v 4M -r 1 --latency 100 -C 1,3 -s 64K,1M ";

std::string loopback() { return "--plugin " + build_dir() + "/lib/loopback_plugin.so "; }
std::string devmem() { return "--plugin " + build_dir() + "/lib/libnccl-net-devmem.so "; }

Outcome run(const std::string &args, const std::string &env = "", int ranks = 2)
{
	return run_program(ranks, "p2p", args, "NCCL_DEVMEM_PLAN=host NCCL_SOCKET_IFNAME=lo " + env);
}

TEST(PointToPoint, MeasuresPluginsInTurnsAndPrintsTheirRatio)
{
	for (const char *both : {"", "-B "}) {
		Outcome outcome = run(loopback() + devmem() + kBrief + both);
		EXPECT_EQ(0, outcome.status) << outcome.text;
		std::regex row("\\n +(65536|1048576) +(1|3) +4 +[0-9.]+ +[0-9.]+ +0  [^ ]*(loopback_plugin|devmem).so");
		EXPECT_EQ(8, std::distance(std::sregex_iterator(outcome.text.begin(), outcome.text.end(), row), {})) << outcome.text;
		std::regex ratio("# +bandwidth x[0-9.]+, CPU per GB x[0-9.]+ of the first plugin's");
		EXPECT_EQ(4, std::distance(std::sregex_iterator(outcome.text.begin(), outcome.text.end(), ratio), {})) << outcome.text;
		EXPECT_SAYS("half round trip of 8 bytes", outcome);
	}
}

TEST(PointToPoint, WritesResultsAsJson)
{
	std::string path = "/tmp/p2p-" + std::to_string(getpid()) + ".json";
	Outcome outcome = run(loopback() + kBrief + "--latency 0 --json " + path);
	EXPECT_EQ(0, outcome.status) << outcome.text;
	std::ifstream file(path);
	std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
	unlink(path.c_str());
	EXPECT_SAYS("\"memory\": \"host\"", (Outcome{0, text}));
	std::regex point("\"gbs\": [0-9.e+]+[^}]*\"wrong\": 0\\s");
	EXPECT_EQ(4, std::distance(std::sregex_iterator(text.begin(), text.end(), point), {})) << text;
	Outcome refused = run(loopback() + kBrief + "--latency 0 --json /nonexistent/x");
	EXPECT_EQ(3, refused.status) << refused.text;
	EXPECT_SAYS("cannot write the results to --json /nonexistent/x: No such file", refused);
}

TEST(PointToPoint, WritesPercentilesOfLatencyAsJson)
{
	std::string path = "/tmp/p2p-latency-" + std::to_string(getpid()) + ".json";
	Outcome outcome = run(loopback() + devmem() + "-v 64K -r 2 --latency 100 -C 1 -s 64K --json " + path);
	EXPECT_EQ(0, outcome.status) << outcome.text;
	std::ifstream file(path);
	std::string text{std::istreambuf_iterator<char>(file), {}};
	unlink(path.c_str());
	std::regex percentile("\"(1|5|10|25|50|75|90|95|99|99\\.9)\": ([0-9.e+-]+)");
	double last = 0;
	int n = 0;
	for (std::sregex_iterator i(text.begin(), text.end(), percentile), end; i != end; ++i, n++) {
		double microseconds = std::stod((*i)[2]);
		EXPECT_GT(microseconds, 0);
		EXPECT_GE(microseconds, n % 10 ? last : 0) << text;
		last = microseconds;
	}
	EXPECT_EQ(20, n) << text;
}

TEST(PointToPoint, WritesHowLongConnectionsTookAsJson)
{
	std::string path = "/tmp/p2p-connect-" + std::to_string(getpid()) + ".json";
	Outcome outcome = run(devmem() + "--connect 3 --json " + path);
	EXPECT_EQ(0, outcome.status) << outcome.text;
	std::ifstream file(path);
	std::string text{std::istreambuf_iterator<char>(file), {}};
	EXPECT_TRUE(std::regex_search(text, std::regex("\"connections\": 6,\\s+\"connect_seconds\": [0-9]"))) << text;
	unlink(path.c_str());
}

TEST(PointToPoint, RefusesMemoryAndNicsThatAreNotThere)
{
	Outcome memory = run(loopback() + kBrief + "--memory udmabuf");
	EXPECT_EQ(3, memory.status) << memory.text;
	EXPECT_SAYS("/loopback_plugin.so' takes no dmabufs", memory);
	Outcome nic = run(loopback() + kBrief + "--latency 0 --nic lo");
	EXPECT_EQ(3, nic.status) << nic.text;
	EXPECT_SAYS("--nic lo: ", nic);
}

TEST(PointToPoint, FailsOnWrongData)
{
	Outcome outcome = run(loopback() + kBrief + "--latency 0", "LOOPBACK_FAULT=corrupt");
	EXPECT_EQ(1, outcome.status) << outcome.text;
	EXPECT_TRUE(std::regex_search(outcome.text, std::regex(" 1  [^ ]*loopback_plugin.so"))) << outcome.text;
}

TEST(PointToPoint, EndsWithTheReasonWhenNothingMovesOrACallFails)
{
	Outcome hang = run(loopback() + kBrief + "--timeout 1", "LOOPBACK_FAULT=hang");
	EXPECT_EQ(3, hang.status) << hang.text;
	EXPECT_SAYS("nothing moved for 1 s in plugin", hang);
	Outcome error = run(loopback() + kBrief, "LOOPBACK_FAULT=error");
	EXPECT_EQ(3, error.status) << error.text;
	EXPECT_SAYS("returned 6 (ncclRemoteError)", error);
}

TEST(PointToPoint, RefusesWhatItCannotMeasure)
{
	Outcome twice = run(loopback() + loopback() + kBrief);
	EXPECT_EQ(3, twice.status) << twice.text;
	EXPECT_SAYS("measure them in two runs", twice);
	Outcome alone = run(loopback() + kBrief, "", 1);
	EXPECT_EQ(3, alone.status) << alone.text;
	EXPECT_SAYS("run it as mpirun -n 2 p2p", alone);
	for (const char *args : {"-s 0", "-s 8X", "-C 65", "-d 33", "-d 0", "-r 0", "-v x", "--timeout 0", "--memory tape", "word"}) {
		Outcome usage = run(args, "", 0);
		EXPECT_EQ(2, usage.status) << args << "\n" << usage.text;
	}
}

} // namespace

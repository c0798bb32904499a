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

TEST(PointToPoint, MeasuresOnePluginTwiceWithVariablesOfItsOwn)
{
	const std::string own = " --plugin " + build_dir() + "/lib/libnccl-net-devmem.so:NCCL_DEVMEM_PLAN=host,NCCL_SOCKET_IFNAME=lo ";
	Outcome outcome = run_program(2, "p2p", own + own + loopback() + loopback() + "-v 4M -r 2 --latency 0 -C 2 -s 64K");
	EXPECT_EQ(0, outcome.status) << outcome.text;
	std::regex row("\\n +65536 +2 +4 +[0-9.]+ +[0-9.]+ +0  [^ ]*(loopback_plugin.so|devmem.so:NCCL_DEVMEM_PLAN=host,NCCL_SOCKET_IFNAME=lo)");
	EXPECT_EQ(4, std::distance(std::sregex_iterator(outcome.text.begin(), outcome.text.end(), row), {})) << outcome.text;
	Outcome wrong = run_program(2, "p2p", own + "--plugin " + build_dir() + "/lib/libnccl-net-devmem.so:NCCL_DEVMEM_PLAN=hots -s 64K");
	EXPECT_EQ(3, wrong.status) << wrong.text;
	EXPECT_SAYS("NCCL_DEVMEM_PLAN=hots cannot be", wrong);
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

TEST(PointToPoint, WritesTheDistributionOfLatencyAsJson)
{
	std::string path = "/tmp/p2p-latency-" + std::to_string(getpid()) + ".json";
	Outcome outcome = run(loopback() + devmem() + "-v 1M -r 3 --latency 200 -C 1 -s 64K -J " + path);
	EXPECT_EQ(0, outcome.status) << outcome.text;
	Outcome file = run_command("tr -d ' \\n' <" + path);
	unlink(path.c_str());
	std::regex latency("\"plugin\":\"[^\"]+\",\"size\":8,\"round_trips\":200,\"p50_us\":([0-9.]+),\"p99_us\":([0-9.]+),\"p99.9_us\":([0-9.]+),"
			   "\"cdf\":(\\[[^}]*\\])\\}");
	std::regex pair("\\[([0-9.]+),([0-9.]+)\\]");
	int plugins = 0;
	for (std::sregex_iterator each(file.text.begin(), file.text.end(), latency); each != std::sregex_iterator(); ++each, plugins++) {
		const std::string cdf = (*each)[4];
		std::string percents;
		double before = 0;
		for (std::sregex_iterator point(cdf.begin(), cdf.end(), pair); point != std::sregex_iterator(); ++point) {
			percents += (*point)[1].str() + " ";
			EXPECT_GE(std::stod((*point)[2]), before) << cdf;
			before = std::stod((*point)[2]);
			if ((*point)[1] == "50.0") {
				EXPECT_EQ((*each)[1], (*point)[2]);
			}
		}
		EXPECT_GT(before, 0);
		EXPECT_EQ("1.0 5.0 10.0 25.0 50.0 75.0 90.0 95.0 99.0 99.9 100.0 ", percents) << cdf;
	}
	EXPECT_EQ(2, plugins) << file.text;
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
	Outcome alone = run(loopback() + kBrief, "", 1);
	EXPECT_EQ(3, alone.status) << alone.text;
	EXPECT_SAYS("run it as mpirun -n 2 p2p", alone);
	for (const char *args : {"-s 0", "-s 8X", "-C 65", "-d 33", "-d 0", "-r 0", "-v x", "--timeout 0", "--memory tape", "--plugin devmem:host", "word"}) {
		Outcome usage = run(args, "", 0);
		EXPECT_EQ(2, usage.status) << args << "\n" << usage.text;
	}
}

} // namespace

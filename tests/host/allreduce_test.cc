// SPDX-License-Identifier: BSD-3-Clause
// allreduce itself, over a plugin that is strict with its caller: exact results, and no fault that goes unseen.
#include <gtest/gtest.h>
#include <regex>
#include <unistd.h>

#include "mpi_run.h"

namespace {

Outcome run(int ranks, const std::string &args, const std::string &env = "")
{
	return run_program(ranks, "allreduce", "--plugin " + build_dir() + "/lib/loopback_plugin.so " + args, env);
}

// The number behind "Out of bounds values :", -1 when there is none.
long wrong(const Outcome &outcome)
{
	std::smatch match;
	return std::regex_search(outcome.text, match, std::regex("Out of bounds values : ([0-9]+)")) ? std::stol(match[1]) : -1;
}

#define EXPECT_EXACT(outcome) \
	do { \
		EXPECT_EQ(0, (outcome).status) << (outcome).text; \
		EXPECT_EQ(0, wrong(outcome)) << (outcome).text; \
	} while (0)

TEST(AllReduce, IsExactThroughEveryVersionOfTheInterface)
{
	for (const char *abi : {"8", "9", "10", "11"}) {
		Outcome outcome = run(2, std::string("-b 8 -e 4M -f 16 -n 2 -w 1 --abi ") + abi);
		EXPECT_EXACT(outcome);
		EXPECT_SAYS(std::string("interface version ") + abi, outcome);
	}
}

TEST(AllReduce, TakesTheHighestVersionThatThePluginHas)
{
	EXPECT_SAYS("interface version 11", run(2, "-b 8 -n 1 -w 0"));
}

TEST(AllReduce, IsExactForRandomSizesOnSeveralRanksAndChannels)
{
	EXPECT_EXACT(run(2, "-C 4 -d int32 -b 4 -e 3M --random 40"));
	EXPECT_EXACT(run(3, "-C 2 -d uint8 -b 1 -e 1M --random 40"));
	EXPECT_EXACT(run(4, "-C 1 -d float -b 4 -e 300K --random 40"));
}

TEST(AllReduce, TellsWhereRanksDifferAndWhatItRanOn)
{
	const std::string json = "/tmp/allreduce_test." + std::to_string(getpid()) + ".json";
	const std::string program = build_dir() + "/bin/allreduce -b 64K -n 1 -w 0 -J " + json + " --plugin " + build_dir() + "/lib/libnccl-net-devmem.so ";
	const std::string common = "-x NCCL_SOCKET_IFNAME=lo ";
	Outcome outcome = run_command("mpirun --oversubscribe " + common + "-x NCCL_DEVMEM_PEER_TIMEOUT=30 -n 1 " + program + ": " + common +
				      "-x NCCL_DEVMEM_PLAN=host -x NCCL_DEBUG=WARN -n 2 " + program);
	EXPECT_EXACT(outcome);
	EXPECT_TRUE(std::regex_search(outcome.text, std::regex("# rank 0 \\(.+\\): NCCL_DEVMEM_PLAN unset, others host\n"))) << outcome.text;
	EXPECT_SAYS("NCCL_DEVMEM_PEER_TIMEOUT=30, others unset", outcome);
	EXPECT_SAYS("# not the same on all ranks, nor need it be: NCCL_DEBUG\n", outcome);
	Outcome file = run_command("cat " + json);
	for (const char *words : {"\"plan\": \"plain TCP by way of host memory\"", "\"NCCL_DEVMEM_PEER_TIMEOUT\": \"30\"", "\"natural\": true", "\"mtu\": 65536",
				  "\"mpi\": \"Open MPI", "\"gpu\": null", "\"retransmits\": "})
		EXPECT_SAYS(words, file);
	unlink(json.c_str());
}

TEST(AllReduce, MeasuresPluginsInTurnsEachWithItsOwnState)
{
	const std::string json = "/tmp/allreduce_test." + std::to_string(getpid()) + ".json";
	const std::string own = " --plugin " + build_dir() + "/lib/libnccl-net-devmem.so:NCCL_DEVMEM_PLAN=host,NCCL_SOCKET_IFNAME=lo";
	Outcome outcome = run(2, "--plugin " + build_dir() + "/lib/loopback_plugin.so" + own + own + ",NCCL_DEVMEM_PEER_TIMEOUT=30 -b 4 -e 256K -f 256 -n 2 -w 1 --repeat 3 -J " + json);
	EXPECT_EXACT(outcome);
	std::regex row("\\n +(4|1024|262144) .* 0 +[0-9.]+  [^ ]*(loopback_plugin.so|NCCL_SOCKET_IFNAME=lo|NCCL_DEVMEM_PEER_TIMEOUT=30)");
	EXPECT_EQ(12, std::distance(std::sregex_iterator(outcome.text.begin(), outcome.text.end(), row), {})) << outcome.text;
	std::regex ratio("#    bandwidth x[0-9.]+, CPU x[0-9.]+ of the first plugin's");
	EXPECT_EQ(9, std::distance(std::sregex_iterator(outcome.text.begin(), outcome.text.end(), ratio), {})) << outcome.text;
	Outcome file = run_command("tr -d '\\n' <" + json);
	// Sizes of 4 bytes, 1 and 256 KiB; six timed, one for warm-up and one checked.
	const std::string bytes = std::to_string(2 * 8 * (4 + 1024 + 262144));
	std::regex counted("\"rx_plain\": " + bytes + ",");
	EXPECT_EQ(2, std::distance(std::sregex_iterator(file.text.begin(), file.text.end(), counted), {})) << file.text;
	EXPECT_TRUE(std::regex_search(file.text, std::regex("^[{] *\"collective\": \"allreduce\", *\"runs\": "))) << file.text;
	Outcome verdict = run_program(0, "verdict", "--plain " + json);
	EXPECT_EQ(2, verdict.status) << verdict.text;
	EXPECT_SAYS("runs of several plugins", verdict);
	unlink(json.c_str());
}

TEST(AllReduce, TellsOnATerminalAloneHowFarItIs)
{
	const std::string line = build_dir() + "/bin/allreduce --plugin " + build_dir() + "/lib/loopback_plugin.so -b 4M -n 200 -w 1";
	const std::string mpirun = "mpirun --oversubscribe -n 2 " + line;
	Outcome terminal = run_command("script -qec '" + mpirun + "' /dev/null");
	EXPECT_EXACT(terminal);
	EXPECT_TRUE(std::regex_search(terminal.text, std::regex("\\r\x1b\\[K4194304 bytes: run [0-9]+ of 200, [0-9.]+ GB/s so far"))) << terminal.text;
	EXPECT_TRUE(std::regex_search(terminal.text, std::regex("\\r\x1b\\[K *4194304 +1048576"))) << "the table's line stands alone: " << terminal.text;
	Outcome log = run_command("script -qec '" + mpirun + " 2>&1 | cat' /dev/null");
	EXPECT_EXACT(log);
	EXPECT_EQ(std::string::npos, log.text.find('\x1b')) << log.text;
}

TEST(AllReduce, CountsOneCorruptBitAsWrongAndFails)
{
	Outcome outcome = run(2, "-b 64K -e 1M --random 20", "LOOPBACK_FAULT=corrupt");
	EXPECT_EQ(1, outcome.status) << outcome.text;
	EXPECT_GT(wrong(outcome), 0) << outcome.text;
	EXPECT_SAYS("elements are wrong", outcome);
}

TEST(AllReduce, ReportsAMessageThatLostAByte)
{
	Outcome outcome = run(2, "-b 1M -n 2", "LOOPBACK_FAULT=short");
	EXPECT_EQ(3, outcome.status) << outcome.text;
	EXPECT_SAYS("262143 bytes where the peer sent 262144", outcome);
}

TEST(AllReduce, NamesTheStuckRequestInsteadOfHanging)
{
	Outcome outcome = run(2, "-b 1M -n 2 --timeout 1", "LOOPBACK_FAULT=hang");
	EXPECT_EQ(3, outcome.status) << outcome.text;
	EXPECT_TRUE(std::regex_search(outcome.text, std::regex("channel 0: receive [0-9]+ from rank [01] was posted and is not done"))) << outcome.text;
}

TEST(AllReduce, NamesTheCallThatDoesNotComeBack)
{
	Outcome outcome = run(2, "-b 1M -n 2 --timeout 1", "LOOPBACK_FAULT=block");
	EXPECT_EQ(3, outcome.status) << outcome.text;
	EXPECT_SAYS("the progress thread has not come back for 1 s from the plugin's test", outcome);
}

TEST(AllReduce, NamesTheCallTheResultAndTheRankOfAnError)
{
	Outcome outcome = run(2, "-b 1M -n 2", "LOOPBACK_FAULT=error");
	EXPECT_EQ(3, outcome.status) << outcome.text;
	EXPECT_TRUE(std::regex_search(outcome.text, std::regex("rank [01] on .*: test returned 6 \\(ncclRemoteError\\) for message"))) << outcome.text;
}

TEST(AllReduce, FailsWhereNcclWouldFallBackInSilence)
{
	Outcome outcome = run(2, "-b 1M -n 2", "LOOPBACK_FAULT=refuse");
	EXPECT_EQ(3, outcome.status) << outcome.text;
	EXPECT_SAYS("init returned 2 (ncclSystemError)", outcome);
}

TEST(AllReduce, RefusesOneRankAndWrongOptions)
{
	Outcome alone = run(1, "-b 8");
	EXPECT_EQ(3, alone.status) << alone.text;
	EXPECT_SAYS("a ring has two ranks or more", alone);
	Outcome plugin = run(2, "--plugin nowhere -b 8");
	EXPECT_EQ(3, plugin.status) << plugin.text;
	EXPECT_SAYS("cannot load net plugin 'nowhere'", plugin);
	Outcome version = run(2, "--abi 12 -b 8");
	EXPECT_EQ(3, version.status) << version.text;
	EXPECT_SAYS("has no symbol ncclNetPlugin_v12", version);
	for (const char *args : {"-b 8X", "-b 0", "-b 8 -e 4", "-d half", "-o max", "-C 65", "-n 0", "-b 2", "--memory gpu", "--plugin devmem:host", "--repeat 0"}) {
		Outcome usage = run(0, args);
		EXPECT_EQ(2, usage.status) << args << "\n" << usage.text;
	}
}

TEST(AllReduce, TakesOptionsOfNcclTestsOrSaysWhatToDoInstead)
{
	EXPECT_EXACT(run(2, "-b 64K -n 1 -w 0 -g 1 -t 1 -m 1 -G 0 -p 1 -z 0 -T 30"));
	const std::pair<const char *, const char *> refused[] = {
		{"-g 2", "start one for each GPU, mpirun -n N"}, {"-t 2", "start more of them, mpirun -n N"}, {"-m 4", "use -n for more of them"},
		{"-G 1", "there are no CUDA graphs"}, {"-z 2", "give a whole number from 0 to 1"}, {"-r 1", "allreduce has no root"},
	};
	for (auto [args, words] : refused) {
		Outcome usage = run(0, args);
		EXPECT_EQ(2, usage.status) << args << "\n" << usage.text;
		EXPECT_SAYS(words, usage);
	}
}

}  // namespace

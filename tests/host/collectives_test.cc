// SPDX-License-Identifier: BSD-3-Clause
// Every collective over this machine's sockets: exact results, the bytes that it must move, and no fault that goes unseen.
#include <gtest/gtest.h>
#include <jansson.h>
#include <unistd.h>

#include "mpi_run.h"

namespace {

class Collectives : public testing::TestWithParam<const char *> {
protected:
	void TearDown() override { unlink(json_.c_str()); }

	// Over devmem's plugin, by plain TCP.
	Outcome run(int ranks, const std::string &args)
	{
		return run_program(ranks, GetParam(), "--plugin " + build_dir() + "/lib/libnccl-net-devmem.so --json " + json_ + " " + args,
				   "NCCL_DEVMEM_PLAN=host NCCL_SOCKET_IFNAME=lo");
	}

	// Over the plugin that is strict with its caller.
	Outcome run_strict(int ranks, const std::string &args, const std::string &env = "")
	{
		return run_program(ranks, GetParam(), "--plugin " + build_dir() + "/lib/loopback_plugin.so " + args, env);
	}

	// Nothing wrong, and in every figure what the collective must move.
	void expect_exact(const Outcome &outcome)
	{
		EXPECT_EQ(0, outcome.status) << outcome.text;
		EXPECT_SAYS("Out of bounds values : 0 OK", outcome);
		Outcome verdict = run_program(0, "verdict", "--plain " + json_);
		EXPECT_EQ(0, verdict.status) << verdict.text;
	}

	std::string json_ = "/tmp/collectives_test." + std::to_string(getpid()) + ".json";
};

TEST_P(Collectives, IsExactOverDevmemsPluginOnTwoAndThreeRanks)
{
	expect_exact(run(2, "-b 12 -e 3M -f 16 -n 2 -w 1 -C 2"));
	expect_exact(run(3, "-b 12 -e 3M -f 16 -n 2 -w 1"));
	expect_exact(run(3, "-d uint8 -b 3 -e 1M --random 20 -C 2"));
}

TEST_P(Collectives, IsExactInPlaceWhereNcclTestsRunsIt)
{
	const std::string op = GetParam();
	Outcome outcome = run(3, "-b 12 -e 1M -f 32 -n 2 -w 1 -C 2 --in-place");
	if (op == "sendrecv" || op == "alltoall") {
		EXPECT_EQ(2, outcome.status) << outcome.text;
		EXPECT_SAYS("--in-place: " + op + " needs a buffer for the result", outcome);
		return;
	}
	expect_exact(outcome);
	EXPECT_SAYS("in-place", outcome);
	expect_exact(run(3, "-d uint8 -b 3 -e 300K --random 20 --in-place"));
	Outcome wrong = run_strict(3, "-b 64K -e 1M --random 20 -c 0 --in-place", "LOOPBACK_FAULT=corrupt");
	EXPECT_EQ(1, wrong.status) << wrong.text;
}

TEST_P(Collectives, IsExactWhenEachRunIsWaitedFor)
{
	expect_exact(run(3, "-b 64K -n 5 -w 1 -C 2 -z 1"));
}

TEST_P(Collectives, HasTheRootThatIsAskedForOrNone)
{
	const bool rooted = std::string(GetParam()) == "broadcast";
	for (const char *root : {"1", "2"}) {
		Outcome outcome = run(3, std::string("-b 12 -e 1M -f 64 -n 2 -w 1 -r ") + root);
		if (!rooted) {
			EXPECT_SAYS("has no root", outcome);
			continue;
		}
		expect_exact(outcome);
		EXPECT_SAYS(std::string("none     ") + root, outcome);
	}
	if (rooted) {
		Outcome beyond = run(3, "-b 12 -r 3");
		EXPECT_EQ(3, beyond.status) << beyond.text;
		EXPECT_SAYS("-r 3: there are ranks 0 to 2", beyond);
	}
}

TEST_P(Collectives, IsExactOverAStrictPlugin)
{
	for (int ranks : {2, 3, 4}) {
		Outcome outcome = run_strict(ranks, "-d int32 -b 16 -e 3M --random 20");
		EXPECT_EQ(0, outcome.status) << outcome.text;
		EXPECT_SAYS("Out of bounds values : 0 OK", outcome);
	}
}

TEST_P(Collectives, CountsOneCorruptBitAsWrongAndFails)
{
	Outcome outcome = run_strict(3, "-b 64K -e 1M --random 20", "LOOPBACK_FAULT=corrupt");
	EXPECT_EQ(1, outcome.status) << outcome.text;
	EXPECT_SAYS(std::string(GetParam()) + ": rank", outcome);
	EXPECT_SAYS("elements are wrong", outcome);
}

TEST_P(Collectives, WritesItsNameAndNcclTestsFiguresAsJson)
{
	Outcome outcome = run(3, "-b 1200 -n 1 -w 0");
	ASSERT_EQ(0, outcome.status) << outcome.text;
	json_t *root = json_load_file(json_.c_str(), 0, nullptr);
	ASSERT_NE(nullptr, root);
	const char *name = "";
	json_int_t size = 0, count = 0;
	double algbw = 0, busbw = 0;
	EXPECT_EQ(0, json_unpack(root, "{s:s, s:[{s:I, s:I, s:f, s:f}]}", "collective", &name, "results", "size", &size, "count", &count, "algbw", &algbw,
				 "busbw", &busbw));
	std::string op = name;
	EXPECT_EQ(GetParam(), op);
	EXPECT_EQ(1200, size);
	const bool blocks = op == "allgather" || op == "reducescatter" || op == "alltoall";
	EXPECT_EQ(blocks ? 100 : 300, count) << "elements for each rank, or of the buffer";
	EXPECT_NEAR(op == "allreduce" ? 4 / 3. : blocks ? 2 / 3. : 1, busbw / algbw, 1e-9);
	json_decref(root);
}

TEST_P(Collectives, RefusesSizesWithoutAnElementForEachRank)
{
	const std::string op = GetParam();
	const bool blocks = op == "allgather" || op == "reducescatter" || op == "alltoall";
	Outcome outcome = run_strict(3, "-b 8 -n 1 -w 0");
	EXPECT_EQ(blocks ? 3 : 0, outcome.status) << outcome.text;
	if (blocks) {
		EXPECT_SAYS("-b is less than one element of type float for each of 3 ranks", outcome);
	}
}

INSTANTIATE_TEST_SUITE_P(All, Collectives, testing::Values("allreduce", "allgather", "reducescatter", "broadcast", "sendrecv", "alltoall"),
			 [](const auto &info) { return std::string(info.param); });

}  // namespace

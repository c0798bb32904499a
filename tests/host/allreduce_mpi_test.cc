// SPDX-License-Identifier: BSD-3-Clause
// MPI's own all-reduce under allreduce's options: exact results, the same table and JSON, and no option that means nothing to it goes unsaid.
#include <gtest/gtest.h>
#include <jansson.h>
#include <unistd.h>

#include "mpi_run.h"

namespace {

Outcome run(int ranks, const std::string &args, const std::string &env = "OMPI_MCA_op=^avx")
{
	return run_program(ranks, "allreduce_mpi", args, "OMPI_MCA_btl=tcp,self OMPI_MCA_mpi_yield_when_idle=1 " + env);
}

#define EXPECT_EXACT(outcome) \
	do { \
		EXPECT_EQ(0, (outcome).status) << (outcome).text; \
		EXPECT_SAYS("Out of bounds values : 0 OK", outcome); \
	} while (0)

TEST(AllReduceMpi, IsExactForEveryTypeAndNumberOfRanks)
{
	EXPECT_EXACT(run(2, "-b 8 -e 4M -f 16 -n 2 -w 1"));
	EXPECT_EXACT(run(3, "-d uint8 -b 1 -e 300K --random 40"));
	EXPECT_EXACT(run(4, "-d int32 -b 4 -e 300K --random 40"));
}

TEST(AllReduceMpi, SaysByWhichMpiAndTransports)
{
	EXPECT_SAYS("without a net plugin, transports: tcp,self", run(2, "-b 8 -n 1 -w 0"));
}

TEST(AllReduceMpi, WritesTheJsonOfAllreduce)
{
	const std::string path = "/tmp/allreduce-mpi-" + std::to_string(getpid()) + ".json";
	Outcome outcome = run(2, "-b 64K -e 1M -f 16 -n 2 -w 0 --json " + path);
	EXPECT_EXACT(outcome);
	json_t *json = json_load_file(path.c_str(), 0, nullptr);
	unlink(path.c_str());
	ASSERT_NE(nullptr, json);
	EXPECT_STREQ("allreduce", json_string_value(json_object_get(json, "collective")));
	EXPECT_EQ(0u, std::string(json_string_value(json_object_get(json, "plugin"))).find("Open MPI "));
	json_t *results = json_object_get(json, "results");
	ASSERT_EQ(2u, json_array_size(results));
	json_t *second = json_array_get(results, 1);
	EXPECT_EQ(1 << 20, json_integer_value(json_object_get(second, "size")));
	EXPECT_EQ(0, json_integer_value(json_object_get(second, "wrong")));
	EXPECT_GT(json_real_value(json_object_get(second, "time_us")), 0);
	EXPECT_GT(json_real_value(json_object_get(second, "cpu_us")), 0);
	json_decref(json);
}

TEST(AllReduceMpi, RefusesOptionsThatMeanNothingToIt)
{
	for (const char *args : {"-C 2", "--abi 11", "--flush always", "--proto ll"}) {
		Outcome outcome = run(2, std::string("-b 8 ") + args);
		EXPECT_EQ(3, outcome.status) << args << "\n" << outcome.text;
		EXPECT_SAYS("leave it out", outcome);
	}
	Outcome large = run(2, "-d uint8 -b 3G");
	EXPECT_EQ(3, large.status) << large.text;
	EXPECT_SAYS("more than the 2147483647 elements", large);
}

}  // namespace

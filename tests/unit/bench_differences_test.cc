// SPDX-License-Identifier: BSD-3-Clause
// What ranks are compared by, and how differences are told.
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <vector>

extern "C" {
#include "differences.h"
#include "plan_log.h"
}

namespace {

using Names = std::vector<std::pair<const char *, const char *>>;

class Ranks {
public:
	explicit Ranks(const std::vector<Names> &ranks)
	{
		for (const Names &names : ranks) {
			facts rank{};
			for (auto [name, value] : names)
				facts_add(&rank, name, value);
			facts_.push_back(rank);
		}
	}
	~Ranks()
	{
		for (facts &rank : facts_)
			facts_free(&rank);
	}

	std::string said() const
	{
		std::vector<std::string> names;
		std::vector<const char *> hosts;
		char *text = nullptr;
		size_t size = 0;
		for (size_t r = 0; r < facts_.size(); r++)
			names.push_back("host" + std::to_string(r % 2));
		for (const std::string &name : names)
			hosts.push_back(name.c_str());
		FILE *out = open_memstream(&text, &size);
		EXPECT_EQ(0, differences_print(out, facts_.data(), hosts.data(), static_cast<unsigned>(facts_.size())));
		fclose(out);
		std::string words(text, size);
		free(text);
		return words;
	}

private:
	std::vector<facts> facts_;
};

TEST(Differences, AreNoneWhereRanksAreAlike)
{
	EXPECT_EQ("", Ranks({{{"mtu", "9000"}, {"NCCL_PROTO", "Simple"}}, {{"mtu", "9000"}, {"NCCL_PROTO", "Simple"}}}).said());
	EXPECT_EQ("", Ranks({{}, {}}).said());
}

TEST(Differences, NameTheRankThatIsUnlikeMost)
{
	EXPECT_EQ("# rank 3 (host1): NCCL_DEVMEM_PLAN=host, others unset\n", Ranks({{}, {}, {}, {{"NCCL_DEVMEM_PLAN", "host"}}}).said());
	EXPECT_EQ("# rank 0 (host0): NCCL_DEVMEM_PLAN unset, others host\n",
		  Ranks({{}, {{"NCCL_DEVMEM_PLAN", "host"}}, {{"NCCL_DEVMEM_PLAN", "host"}}}).said());
	EXPECT_EQ("# rank 1 (host1): mtu=1500, others 9000\n", Ranks({{{"mtu", "9000"}}, {{"mtu", "1500"}}}).said()) << "rank 0 breaks a tie";
}

TEST(Differences, ShareALineWhereValuesAreTheSame)
{
	const Names nine{{"mtu", "9000"}}, small{{"mtu", "1500"}}, odd{{"mtu", "1280"}};
	EXPECT_EQ("# ranks 1 (host1), 3 (host1): mtu=1500, most 9000\n# rank 4 (host0): mtu=1280, most 9000\n",
		  Ranks({nine, small, nine, small, odd, nine}).said());
	EXPECT_EQ("# ranks 11 (host1), 12 (host0), 13 (host1), 14 (host0), 15 (host1), 16 (host0), 17 (host1), 18 (host0) and 2 more: mtu=1500, others 9000\n",
		  Ranks([&] {
			  std::vector<Names> ranks(31, nine);
			  std::fill(ranks.begin() + 11, ranks.begin() + 21, small);
			  return ranks;
		  }())
			  .said());
}

TEST(Differences, AreOneLineWhereTheyAreNoMistake)
{
	EXPECT_EQ("# rank 1 (host1): mtu=1500, others 9000\n# not the same on all ranks, nor need it be: device, NCCL_SOCKET_IFNAME\n",
		  Ranks({{{"device", "eth0"}, {"mtu", "9000"}, {"NCCL_SOCKET_IFNAME", "eth0"}},
			 {{"device", "eth1"}, {"mtu", "1500"}, {"NCCL_SOCKET_IFNAME", "eth1"}}})
			  .said());
}

TEST(Facts, AreTheSameInAnyOrderOfTheEnvironment)
{
	char proto[] = "NCCL_PROTO=Simple", plan[] = "NCCL_DEVMEM_PLAN=host", home[] = "HOME=/root", empty[] = "NCCL_X=";
	char *one[] = {proto, home, plan, empty, nullptr}, *other[] = {empty, plan, proto, nullptr};
	facts a{}, b{}, c{};
	facts_add_variables(&a, one);
	facts_add_variables(&b, other);
	facts_add_variables(&c, other + 1);
	EXPECT_EQ(facts_digest(&a), facts_digest(&b));
	EXPECT_NE(facts_digest(&a), facts_digest(&c));
	EXPECT_STREQ("Simple", facts_get(&a, "NCCL_PROTO"));
	EXPECT_STREQ("", facts_get(&a, "NCCL_X"));
	EXPECT_EQ(nullptr, facts_get(&a, "HOME"));
	EXPECT_EQ(nullptr, facts_get(&a, "NCCL"));
	for (facts *each : {&a, &b, &c})
		facts_free(each);
}

TEST(PlanWords, AreThoseOfThePluginsLog)
{
	plan_words words{};
	EXPECT_TRUE(plan_words_parse("NET/DEVMEM dm0: receive to device memory, send from device memory (memory: udmabuf 0; queues: own)", &words));
	EXPECT_STREQ("receive to device memory, send from device memory", words.plan);
	EXPECT_STREQ("own", words.queues);
	EXPECT_TRUE(plan_words_parse("NET/DEVMEM lo: plain TCP by way of host memory (memory: host 0)", &words));
	EXPECT_STREQ("plain TCP by way of host memory", words.plan);
	EXPECT_STREQ("", words.queues);
	EXPECT_TRUE(plan_words_parse("NET/DEVMEM falling back to: receive to device memory, send by way of host memory; queues: leased from devmemd. Why: no (x)", &words));
	EXPECT_STREQ("receive to device memory, send by way of host memory", words.plan);
	EXPECT_STREQ("leased from devmemd", words.queues);
}

TEST(PlanWords, AreNoneOfOtherLines)
{
	plan_words words{"before", ""};
	for (const char *line : {"", "NET/IB : Using mlx5_0: 1 (memory: x)", "NET/DEVMEM no CUDA device (none): host memory and plain TCP", "NET/DEVMEM "})
		EXPECT_FALSE(plan_words_parse(line, &words)) << line;
	EXPECT_STREQ("before", words.plan);
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// The demo's verdict: silent for figures as they must be, one line for each that is not.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

extern "C" {
#include "verdict.h"
#include "verdict_load.h"
}

namespace {

run_figures good_devmem()
{
	run_figures run{};
	run.sizes = true;
	run.expected = run.bytes_sent = run.bytes_received = 1000;
	run.checks = 3;
	run.messages = 8;
	run.metrics.present = true;
	run.metrics.values[METRIC_RX_DEVICE] = run.metrics.values[METRIC_TX_DEVICE] = run.metrics.values[METRIC_PLACED] = 1000;
	run.metrics.values[METRIC_TOKENS_TAKEN] = run.metrics.values[METRIC_TOKENS_RETURNED] = 5;
	run.metrics.values[METRIC_SENDS] = run.metrics.values[METRIC_RECVS] = 8;
	run.has_nic = true;
	run.nic = {1010, 1010, 0, 0};	// ten bytes were sent twice
	return run;
}

run_figures good_plain()
{
	run_figures run = good_devmem();
	run.metrics = {};
	run.metrics.present = true;
	run.metrics.values[METRIC_RX_PLAIN] = 1000;
	run.metrics.values[METRIC_TX_COPIED] = 600;
	run.metrics.values[METRIC_TX_STAGED] = 400;
	run.metrics.values[METRIC_SENDS] = run.metrics.values[METRIC_RECVS] = 8;
	run.nic = {};
	return run;
}

using Judge = unsigned int (*)(const run_figures *, FILE *);

std::string judge(Judge verdict, const run_figures &run)
{
	char *text = nullptr;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	unsigned int failures = verdict(&run, out);
	fclose(out);
	std::string said(text, size);
	free(text);
	EXPECT_EQ(failures, static_cast<unsigned int>(std::count(said.begin(), said.end(), '\n')));
	return said;
}

#define EXPECT_BLAMES(words, verdict, run) EXPECT_NE(std::string::npos, judge(verdict, run).find(words)) << judge(verdict, run)

TEST(Verdict, SaysNothingAboutGoodRuns)
{
	EXPECT_EQ("", judge(verdict_devmem, good_devmem()));
	EXPECT_EQ("", judge(verdict_plain, good_plain()));
}

TEST(Verdict, NamesTheFigureWhatItIsAndWhatItMustBe)
{
	run_figures run = good_devmem();
	run.metrics.values[METRIC_RX_LINEAR] = 7;
	EXPECT_EQ("device memory run: bytes received linear: 7, must be exactly 0\n", judge(verdict_devmem, run));
}

TEST(Verdict, BlamesEveryCounterThatIsOffByOne)
{
	for (int metric = 0; metric < METRIC_COUNT; metric++) {
		if (metric == METRIC_PLACED || metric == METRIC_UNPACKED)	// a plugin may have nothing to move
			continue;
		run_figures devmem = good_devmem(), plain = good_plain();
		devmem.metrics.values[metric]++;
		plain.metrics.values[metric]++;
		EXPECT_NE("", judge(verdict_devmem, devmem)) << metric_name(static_cast<enum metric>(metric));
		EXPECT_NE("", judge(verdict_plain, plain)) << metric_name(static_cast<enum metric>(metric));
	}
}

TEST(Verdict, BlamesWrongResultsAndResultsThatNobodyChecked)
{
	for (Judge verdict : {verdict_devmem, verdict_plain}) {
		run_figures run = verdict == verdict_devmem ? good_devmem() : good_plain();
		run.wrong = 1;
		EXPECT_BLAMES("wrong elements: 1, must be exactly 0", verdict, run);
		run.wrong = 0;
		run.checks = 0;
		EXPECT_BLAMES("runs whose result was checked: 0", verdict, run);
		run.checks = 1;
		run.metrics.present = false;
		EXPECT_BLAMES("the plugin's counters", verdict, run);
	}
}

TEST(Verdict, BlamesBytesThatTheSizesDoNotExplain)
{
	run_figures run = good_devmem();
	run.expected = 1001;
	EXPECT_BLAMES("bytes through isend: 1000, must be exactly 1001", verdict_devmem, run);
	run.sizes = false;
	EXPECT_EQ("", judge(verdict_devmem, run)) << "random sizes are not in the results";
	run.bytes_received--;
	EXPECT_BLAMES("bytes through irecv: 999", verdict_devmem, run);
}

TEST(Verdict, ARunThatMovedNothingIsNoProof)
{
	run_figures run{};
	run.sizes = true;
	run.metrics.present = true;
	run.checks = 1;
	EXPECT_BLAMES("bytes through isend: 0, must be at least 1", verdict_devmem, run);
	EXPECT_BLAMES("tokens taken: 0, must be at least 1", verdict_devmem, run);
}

TEST(Verdict, BelievesTheKernelMoreThanTheLibrary)
{
	run_figures run = good_devmem();
	run.nic.tx_devmem = run.nic.rx_devmem = 999;
	EXPECT_BLAMES("NICs read from device memory: 999, must be at least 1000", verdict_devmem, run);
	EXPECT_BLAMES("NICs wrote to device memory: 999, must be at least 1000", verdict_devmem, run);
	run.nic = {1011, 1010, 0, 0};
	EXPECT_BLAMES("1011, must be at most 1010", verdict_devmem, run);
	run.nic = {1010, 1010, 1, 0};
	EXPECT_BLAMES("left with the headers: 1", verdict_devmem, run);
	run.nic = {1010, 1010, 0, 1};
	EXPECT_BLAMES("packets that NICs dropped: 1", verdict_devmem, run);
	run_figures plain = good_plain();
	plain.nic.rx_devmem = 1;
	EXPECT_BLAMES("NICs wrote to device memory: 1, must be exactly 0", verdict_plain, plain);
}

TEST(NicCounters, AddsUpAllQueues)
{
	char text[] = "NIC statistics:\n     rx0_packets: 3\n     rx0_devmem_bytes: 10\n     rx11_devmem_bytes: 5\n     rx1_linear_bytes: 2\n"
		      "     rx1_drops_nobuf: 1\n     tx0_devmem_bytes: 18446744073709551000\n     tx3_drops: 4\n     rx0_csum_bad: 9\n     rx_devmem_bytes: 99\n";
	nic_counters counters{};
	ASSERT_TRUE(nic_counters_parse(text, &counters));
	EXPECT_EQ(15u, counters.rx_devmem);
	EXPECT_EQ(18446744073709551000ull, counters.tx_devmem);
	EXPECT_EQ(2u, counters.rx_linear);
	EXPECT_EQ(5u, counters.drops);
}

TEST(NicCounters, RefusesOtherNics)
{
	char text[] = "NIC statistics:\n     rx_packets: 3\n     tx_bytes: 4\nno stats available\n";
	nic_counters counters{};
	EXPECT_FALSE(nic_counters_parse(text, &counters));
}

class File {
public:
	explicit File(const std::string &text)
	{
		int fd = mkstemp(path_);
		EXPECT_EQ(static_cast<ssize_t>(text.size()), write(fd, text.data(), text.size()));
		close(fd);
	}
	~File() { unlink(path_); }
	const char *path() const { return path_; }

private:
	char path_[32] = "/tmp/verdict.XXXXXX";
};

const char kJson[] = R"({"collective": "allreduce", "ranks": 4, "iters": 1, "repeat": 3, "warmup": 1, "checks": 2, "random": 0, "results": [{"size": 8}, {"size": 100}],
	"totals": {"checks": 4, "wrong": 1, "messages": 5, "bytes_sent": 6, "bytes_received": 7, "wall_seconds": 1.5, "cpu_seconds": 2.5,
	"counters": {"rx_device": 8, "recvs": 9}}})";

TEST(VerdictLoad, CountsWhatARingMustMoveByItself)
{
	File json(kJson);
	run_figures run{};
	failure why{};
	ASSERT_EQ(0, verdict_load_json(json.path(), &run, &why)) << why.text;
	EXPECT_TRUE(run.sizes);
	EXPECT_EQ(108u * 6 * 2 * 3, run.expected) << "sizes, times, both turns, three hops";
	EXPECT_EQ(4u, run.checks);
	EXPECT_EQ(1u, run.wrong);
	EXPECT_EQ(6u, run.bytes_sent);
	EXPECT_EQ(7u, run.bytes_received);
	EXPECT_TRUE(run.metrics.present);
	EXPECT_EQ(8u, run.metrics.values[METRIC_RX_DEVICE]);
	EXPECT_EQ(9u, run.metrics.values[METRIC_RECVS]);
	EXPECT_EQ(2.5, run.cpu_seconds);
}

TEST(VerdictLoad, CountsInPlaceRunsOnceMore)
{
	std::string text = kJson;
	File json(text.insert(1, "\"in_place\": true, "));
	run_figures run{};
	failure why{};
	ASSERT_EQ(0, verdict_load_json(json.path(), &run, &why)) << why.text;
	EXPECT_EQ(2 * 108u * 6 * 2 * 3, run.expected);
}

std::string json_of(const std::string &collective)
{
	std::string text = kJson;
	return text.replace(text.find("allreduce"), strlen("allreduce"), collective);
}

TEST(VerdictLoad, CountsWhatEachCollectiveMustMove)
{
	// Four ranks, 648 bytes of sizes.
	const std::pair<const char *, uint64_t> sent[] = {{"allgather", 3}, {"reducescatter", 3}, {"broadcast", 3}, {"sendrecv", 4}, {"alltoall", 3}};
	for (auto [name, times] : sent) {
		File json(json_of(name));
		run_figures run{};
		failure why{};
		ASSERT_EQ(0, verdict_load_json(json.path(), &run, &why)) << why.text;
		EXPECT_EQ(648 * times, run.expected) << name;
	}
}

TEST(VerdictLoad, RefusesFilesThatAreNoResults)
{
	const std::string unknown = json_of("reduce");
	for (const char *text : {"", "{", "[]", "{\"results\": []}", unknown.c_str()}) {
		File json(text);
		run_figures run{};
		failure why{};
		EXPECT_EQ(-1, verdict_load_json(json.path(), &run, &why)) << text;
		EXPECT_NE(nullptr, strstr(why.text, json.path())) << why.text;
	}
}

TEST(VerdictLoad, TakesTheGrowthOfTheNicsCounters)
{
	File before("rx1_devmem_bytes: 10\ntx1_devmem_bytes: 1\n"), after("rx1_devmem_bytes: 25\ntx1_devmem_bytes: 3\ntx1_drops: 1\n");
	run_figures run{};
	failure why{};
	ASSERT_EQ(0, verdict_load_nic(before.path(), after.path(), &run, &why)) << why.text;
	ASSERT_EQ(0, verdict_load_nic(before.path(), after.path(), &run, &why)) << why.text;
	EXPECT_EQ(30u, run.nic.rx_devmem) << "of two hosts";
	EXPECT_EQ(4u, run.nic.tx_devmem);
	EXPECT_EQ(2u, run.nic.drops);
	File other("eth0: no statistics\n");
	EXPECT_EQ(-1, verdict_load_nic(before.path(), other.path(), &run, &why));
}

}  // namespace

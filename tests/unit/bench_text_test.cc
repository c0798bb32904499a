// SPDX-License-Identifier: BSD-3-Clause
// What the bench reads: sizes on the command line, and the plugin's counters.
#include <cstring>
#include <gtest/gtest.h>

extern "C" {
#include "metrics.h"
#include "size.h"
}

namespace {

TEST(Size, TakesUnitsOf1024)
{
	uint64_t bytes = 0;
	EXPECT_TRUE(size_parse("0", &bytes) && bytes == 0);
	EXPECT_TRUE(size_parse("8", &bytes) && bytes == 8);
	EXPECT_TRUE(size_parse("64K", &bytes) && bytes == 65536);
	EXPECT_TRUE(size_parse("3m", &bytes) && bytes == 3u << 20);
	EXPECT_TRUE(size_parse("2G", &bytes) && bytes == 2ull << 30);
	EXPECT_TRUE(size_parse("1T", &bytes) && bytes == 1ull << 40);
	EXPECT_TRUE(size_parse("9223372036854775807", &bytes) && bytes == INT64_MAX);
}

TEST(Size, RefusesWhatIsNoSize)
{
	uint64_t bytes = 42;
	for (const char *text : {"", "K", "-1", "+1", " 1", "1 ", "1KB", "1KK", "1.5M", "0x10", "1X", "8388608T", "9223372036854775808",
				 "99999999999999999999"})
		EXPECT_FALSE(size_parse(text, &bytes)) << text;
	EXPECT_EQ(42u, bytes);
}

TEST(Size, RandomSizesStayInRangeAndReachBothEndsAndEveryPowerOfTwo)
{
	uint64_t state = 7, again = 7;
	unsigned int powers[21] = {};
	bool least = false, most = false;
	for (int i = 0; i < 20000; i++) {
		uint64_t size = random_size(&state, 1, 1 << 20);
		ASSERT_EQ(size, random_size(&again, 1, 1 << 20)) << "ranks would disagree";
		ASSERT_GE(size, 1u);
		ASSERT_LE(size, 1u << 20);
		powers[63 - __builtin_clzll(size)]++;
		uint64_t small = random_size(&state, 4, 6);
		random_size(&again, 4, 6);
		least = least || small == 4;
		most = most || small == 6;
	}
	EXPECT_TRUE(least && most);
	for (int power = 0; power < 20; power++)
		EXPECT_NEAR(1000, powers[power], 200) << "of size 2^" << power;
}

const char kSample[] =
	"# TYPE devmem_rx_bytes_total counter\n"
	"devmem_rx_bytes_total{path=\"device\"} 1000\n"
	"devmem_rx_bytes_total{dev=\"dm1\",path=\"device\"} 24\n"
	"devmem_rx_bytes_total{path=\"linear\"} 7\n"
	"devmem_tx_bytes_total{path=\"copied\"} 8\n"
	"devmem_tokens_taken_total 18446744073709551615\n"
	"devmem_requests_total{kind=\"recv\"} 9\n"
	"something_else{path=\"device\"} 5\n"
	"\n";

TEST(Metrics, AddsUpTheSamplesOfEachCounter)
{
	char text[sizeof(kSample)];
	metrics m{};
	memcpy(text, kSample, sizeof(text));
	ASSERT_TRUE(metrics_parse(text, &m));
	EXPECT_TRUE(m.present);
	EXPECT_EQ(1024u, m.values[METRIC_RX_DEVICE]);
	EXPECT_EQ(7u, m.values[METRIC_RX_LINEAR]);
	EXPECT_EQ(0u, m.values[METRIC_RX_PLAIN]);
	EXPECT_EQ(8u, m.values[METRIC_TX_COPIED]);
	EXPECT_EQ(UINT64_MAX, m.values[METRIC_TOKENS_TAKEN]);
	EXPECT_EQ(0u, m.values[METRIC_TOKENS_RETURNED]);
	EXPECT_EQ(9u, m.values[METRIC_RECVS]);
}

TEST(Metrics, RefusesLinesThatAreNoSamples)
{
	for (const char *line : {"devmem_placed_bytes_total", "devmem_placed_bytes_total x", "devmem_placed_bytes_total -1",
				 "devmem_placed_bytes_total 1.5", "devmem_placed_bytes_total ", " 5", "devmem_rx_bytes_total{path=\"device\" 5",
				 "devmem_placed_bytes_total 99999999999999999999"}) {
		char text[128];
		metrics m{};
		snprintf(text, sizeof(text), "%s", line);
		EXPECT_FALSE(metrics_parse(text, &m)) << line;
	}
}

TEST(Metrics, AFileThatIsNotThereMeansNoCounters)
{
	metrics m{};
	EXPECT_TRUE(metrics_read("/nonexistent", &m));
	EXPECT_FALSE(m.present);
}

}  // namespace

// SPDX-License-Identifier: BSD-3-Clause
// The parts of devmemcat that need no network: words of the command line, the pattern, stdin and stdout that must not block.
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "pattern.h"
extern "C" {
#include "sink.h"
#include "source.h"
}
#include "text.h"

namespace {

TEST(Sizes, ArePowersOf1024)
{
	uint64_t n = 0;

	for (auto [text, want] : {std::pair<const char *, uint64_t>{"0", 0}, {"8", 8}, {"64K", 65536}, {"1m", 1 << 20},
				  {"2G", UINT64_C(2) << 30}, {"16777215T", UINT64_C(16777215) << 40},
				  {"18446744073709551615", UINT64_MAX}}) {
		EXPECT_TRUE(text_size(text, &n)) << text;
		EXPECT_EQ(want, n) << text;
	}
	for (const char *text : {"", "K", "-1", "+1", " 1", "1 ", "1KB", "1X", "0x10", "16777216T", "18446744073709551616"})
		EXPECT_FALSE(text_size(text, &n)) << text;
}

TEST(Numbers, LieWithinTheirBounds)
{
	uint64_t n = 0;

	EXPECT_TRUE(text_number("5", 5, 7, &n) && n == 5);
	EXPECT_TRUE(text_number("7", 5, 7, &n) && n == 7);
	for (const char *text : {"4", "8", "", "5K", "5 ", "-5", "99999999999999999999"})
		EXPECT_FALSE(text_number(text, 5, 7, &n)) << text;
}

TEST(QueueLists, KeepTheirOrder)
{
	queue_list list;

	ASSERT_TRUE(text_queues("9,3-5,1", &list));
	EXPECT_EQ((std::vector<unsigned int>{9, 3, 4, 5, 1}), std::vector<unsigned int>(list.queue, list.queue + list.n));
	ASSERT_TRUE(text_queues("1-64", &list));
	EXPECT_EQ(64u, list.n);
	for (const char *text : {"", "x", "0", "0-3", "3,", ",3", "3,3", "2-4,3", "5-4", "1-65", "3-", "-3", "3 4", "4294967296",
				 "1-18446744073709551615"})
		EXPECT_FALSE(text_queues(text, &list)) << text;
}

TEST(Kinds, AreThoseOfTheLibrary)
{
	devmem_mem_kind kind;
	char all[256], small[6];

	for (devmem_mem_kind want : {DEVMEM_MEM_HOST, DEVMEM_MEM_UDMABUF, DEVMEM_MEM_CUDA}) {
		ASSERT_TRUE(text_kind(devmem_mem_kind_name(want), &kind));
		EXPECT_EQ(want, kind);
	}
	EXPECT_FALSE(text_kind("unknown", &kind));
	EXPECT_FALSE(text_kind("", &kind));
	text_kinds(all, sizeof(all));
	EXPECT_EQ(0, strncmp(all, "host, udmabuf, dmvram, cuda", 27)) << all;
	text_kinds(small, sizeof(small));
	EXPECT_STREQ("host,", small);
}

TEST(Pattern, DoesNotDependOnHowItIsCut)
{
	std::vector<uint8_t> whole(1000), cut(1000);

	pattern_fill(5, 100, whole.data(), whole.size());
	for (size_t at = 0, n = 1; at < cut.size(); at += n, n = n % 13 + 1) {
		n = std::min(n, cut.size() - at);
		pattern_fill(5, 100 + at, cut.data() + at, n);
		EXPECT_EQ(n, pattern_check(5, 100 + at, whole.data() + at, n));
	}
	EXPECT_EQ(whole, cut);
}

TEST(Pattern, ShowsTheFirstWrongByteWhereverItIs)
{
	std::vector<uint8_t> bytes(64);

	for (size_t offset : {0, 3}) {
		for (size_t wrong = 0; wrong < bytes.size(); wrong++) {
			pattern_fill(1, offset, bytes.data(), bytes.size());
			bytes[wrong] ^= 0x80;
			bytes[63] ^= 1;
			EXPECT_EQ(wrong, pattern_check(1, offset, bytes.data(), bytes.size()));
		}
	}
}

TEST(Pattern, HasNoTwoStretchesAlikeAndDiffersBySeed)
{
	std::vector<uint8_t> a(8192), b(8192);

	pattern_fill(1, 0, a.data(), a.size());
	for (size_t shift : {1, 8, 1448, 4096, 65536}) {
		pattern_fill(1, shift, b.data(), b.size());
		EXPECT_LT(pattern_check(1, 0, b.data(), b.size()), 16u) << shift;
	}
	for (uint64_t seed : {UINT64_C(0), UINT64_C(2), UINT64_MAX})
		EXPECT_LT(pattern_check(seed, 0, a.data(), a.size()), 16u) << seed;
	EXPECT_EQ(a.size(), pattern_check(1, 0, a.data(), a.size()));
}

TEST(Source, OfThePatternEnds)
{
	source source;
	uint8_t bytes[64];

	source_open_pattern(&source, 3, 100);
	EXPECT_EQ(64, source_get(&source, bytes, sizeof(bytes)));
	EXPECT_EQ(36, source_get(&source, bytes, sizeof(bytes)));
	EXPECT_EQ(36u, pattern_check(3, 64, bytes, 36));
	EXPECT_EQ(0, source_get(&source, bytes, sizeof(bytes)));
	EXPECT_EQ(-1, source_fd(&source));
}

TEST(Source, OfAPipeNeverBlocks)
{
	source source;
	uint8_t bytes[64];
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	source_open_fd(&source, fds[0]);
	EXPECT_EQ(-EAGAIN, source_get(&source, bytes, sizeof(bytes)));
	ASSERT_EQ(3, write(fds[1], "abc", 3));
	EXPECT_EQ(3, source_get(&source, bytes, sizeof(bytes)));
	close(fds[1]);
	EXPECT_EQ(0, source_get(&source, bytes, sizeof(bytes)));
	EXPECT_EQ(0, fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	close(fds[0]);
}

// Fills it until it takes no more, and returns how many bytes it took.
size_t fill(sink *sink)
{
	std::vector<uint8_t> bytes(1 << 20, 'x');
	size_t total = 0;
	ssize_t n;

	while ((n = sink_put(sink, bytes.data(), bytes.size())) > 0)
		total += static_cast<size_t>(n);
	EXPECT_EQ(-EAGAIN, n);
	return total;
}

TEST(Sink, OfAFullPipeNeverBlocksAndLeavesItsFlags)
{
	sink sink;
	int fds[2];
	char byte;

	ASSERT_EQ(0, pipe(fds));
	sink_open_fd(&sink, fds[1]);
	EXPECT_GE(fill(&sink), 4096u);
	EXPECT_EQ(0, fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, sink_close(&sink));
	EXPECT_EQ(0, sink_close(&sink));
	while (read(fds[0], &byte, 1) == 1)
		EXPECT_EQ('x', byte);
	EXPECT_EQ(-1, fcntl(fds[1], F_GETFL)) << "the reader would never see the end";
	close(fds[0]);
}

TEST(Sink, OfAFullSocketNeverBlocks)
{
	sink sink;
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	sink_open_fd(&sink, fds[1]);
	EXPECT_GE(fill(&sink), 1u);
	close(fds[0]);
	EXPECT_EQ(-EPIPE, sink_put(&sink, reinterpret_cast<const uint8_t *>("x"), 1));
	EXPECT_EQ(0, sink_close(&sink));
}

TEST(Sink, OfThePatternTellsWhichByteIsWrong)
{
	sink sink;
	uint8_t bytes[200], want;

	sink_open_pattern(&sink, 9);
	pattern_fill(9, 0, bytes, sizeof(bytes));
	want = bytes[150];
	bytes[150] ^= 0xff;
	EXPECT_EQ(100, sink_put(&sink, bytes, 100));
	EXPECT_EQ(-EBADMSG, sink_put(&sink, bytes + 100, 100));
	EXPECT_EQ(150u, sink.offset);
	EXPECT_EQ(want, sink.want);
	EXPECT_EQ(bytes[150], sink.got);
}

TEST(Sink, NowhereTakesAll)
{
	sink sink;
	uint8_t bytes[7] = {};

	sink_open_nowhere(&sink);
	EXPECT_EQ(7, sink_put(&sink, bytes, sizeof(bytes)));
	EXPECT_EQ(7u, sink.offset);
	EXPECT_EQ(-1, sink_fd(&sink));
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// Addresses of dmvram's memory, translated to buffers: the right one, at the right byte, and host memory left alone.
#include <gtest/gtest.h>

#include "mem_dmvram_map.h"

namespace {

class DmvramMap : public testing::Test {
protected:
	~DmvramMap() override { dmvram_map_free(&map); }
	void add(uintptr_t addr, size_t size, int fd, uint64_t offset, const void *owner)
	{
		dmvram_range range = {addr, size, fd, offset, owner};
		ASSERT_EQ(0, dmvram_map_add(&map, &range));
	}
	// "fd:address" of one side of a copy.
	std::string side(uintptr_t addr, size_t size)
	{
		dmvram_side side = dmvram_map_side(&map, reinterpret_cast<void *>(addr), size);
		return std::to_string(side.fd) + ":" + std::to_string(side.addr);
	}
	dmvram_map map = {};
	int first, second;
};

TEST_F(DmvramMap, FindsTheBufferAndTheByteInIt)
{
	add(10'000, 1000, 7, 0, &first);
	add(20'000, 1000, 8, 4096, &second);
	EXPECT_EQ("7:0", side(10'000, 1000));
	EXPECT_EQ("7:999", side(10'999, 1));
	EXPECT_EQ("8:4096", side(20'000, 1));
	EXPECT_EQ("8:4196", side(20'100, 900));
	EXPECT_EQ("7:5", side(10'005, 1));
}

TEST_F(DmvramMap, TakesTheRestForHostMemory)
{
	EXPECT_EQ("-1:10000", side(10'000, 1)) << "an empty map";
	add(10'000, 1000, 7, 0, &first);
	EXPECT_EQ("-1:9999", side(9'999, 1));
	EXPECT_EQ("-1:9999", side(9'999, 2)) << "partly before";
	EXPECT_EQ("-1:11000", side(11'000, 1));
	EXPECT_EQ("-1:10999", side(10'999, 2)) << "partly behind";
	EXPECT_EQ("-1:10500", side(10'500, SIZE_MAX)) << "no overflow";
}

TEST_F(DmvramMap, ForgetsOneOfTwoThatOverlap)
{
	add(10'000, 1000, 7, 0, &first);
	add(10'500, 1000, 8, 0, &second);
	EXPECT_EQ("8:500", side(11'000, 100));
	dmvram_map_remove(&map, &second);
	EXPECT_EQ("-1:11000", side(11'000, 100));
	EXPECT_EQ("7:600", side(10'600, 100));
	dmvram_map_remove(&map, &second);
	dmvram_map_remove(&map, &first);
	EXPECT_EQ("-1:10600", side(10'600, 100));
}

TEST_F(DmvramMap, HoldsMany)
{
	int owners[100];

	for (uintptr_t i = 0; i < 100; i++)
		add(i * 1000, 1000, static_cast<int>(i), 0, &owners[i]);
	for (uintptr_t i = 0; i < 100; i += 2)
		dmvram_map_remove(&map, &owners[i]);
	for (uintptr_t i = 0; i < 100; i++)
		EXPECT_EQ((i % 2 ? std::to_string(i) + ":3" : "-1:" + std::to_string(i * 1000 + 3)), side(i * 1000 + 3, 5));
}

} // namespace

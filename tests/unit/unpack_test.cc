// SPDX-License-Identifier: BSD-3-Clause
// What NCCL's kernels are told of received messages, and the tokens kept for them.
#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "unpack.h"

namespace {

struct Unpack : testing::Test {
	Unpack()
	{
		devmem_error err;

		EXPECT_EQ(0, devmem_exporter_open(DEVMEM_MEM_HOST, -1, &exporter, &err));
		EXPECT_EQ(0, unpack_new(exporter, unpack_base(pool.data()), &unpack, &err));
		for (uint32_t seq = 0; seq < NCCL_UNPACK_SLOTS; seq++)
			unpack_begin(unpack, seq);
	}
	~Unpack() override
	{
		unpack_free(unpack);
		devmem_exporter_close(exporter);
	}
	const nccl_unpack_meta &meta() const { return *unpack_handle(unpack)->meta; }
	// What a kernel makes of message seq.
	std::vector<uint8_t> gather(uint32_t seq, size_t len) const
	{
		const nccl_unpack_handle *handle = unpack_handle(unpack);
		std::vector<uint8_t> message(len);

		for (uint64_t i = 0; i < meta().count[seq % NCCL_UNPACK_SLOTS]; i++) {
			const nccl_unpack_load &load = meta().loads[seq % NCCL_UNPACK_SLOTS][i];
			EXPECT_LE(load.dst_off + load.len, len);
			memcpy(&message[load.dst_off], static_cast<uint8_t *>(handle->bounce_buf) + load.src_off, load.len);
		}
		return message;
	}
	std::vector<uint8_t> pool = std::vector<uint8_t>(1 << 20);
	devmem_exporter *exporter = nullptr;
	::unpack *unpack = nullptr;
};

TEST_F(Unpack, BeginsBeforeTheFirstMessage)
{
	EXPECT_EQ(~0ull, unpack_handle(unpack)->head);
	EXPECT_EQ(0u, meta().count[0]);
	EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(&meta()) % 16);
}

TEST_F(Unpack, TellsWhereEveryByteIs)
{
	std::vector<uint8_t> message(3 * 4096 + 100);

	for (size_t i = 0; i < pool.size(); i++)
		pool[i] = static_cast<uint8_t>(i * 7 + i / 256);
	memcpy(&message[0], &pool[8192], 4096);
	memcpy(&message[4096], &pool[100'000], 4096);
	memcpy(&message[8192], &pool[1], 4196);
	unpack_add(unpack, 5, &pool[100'000], 4096, 4096);	// in any order
	unpack_add(unpack, 5, &pool[1], 4196, 8192);
	unpack_add(unpack, 5, &pool[8192], 4096, 0);
	EXPECT_EQ(0u, meta().count[5]) << "before it is published";
	unpack_publish(unpack, 5);
	EXPECT_EQ(3u, meta().count[5]);
	EXPECT_EQ(message, gather(5, message.size()));
}

TEST_F(Unpack, JoinsWhatLiesSideBySide)
{
	for (size_t i = 0; i < 10; i++)
		unpack_add(unpack, 0, &pool[4096 * i], 4096, 4096 * i);
	unpack_add(unpack, 0, &pool[40960], 4096, 50'000);	// only in the pool
	unpack_add(unpack, 0, &pool[60'000], 4096, 54'096);	// only in the message
	unpack_publish(unpack, 0);
	EXPECT_EQ(3u, meta().count[0]);
	EXPECT_EQ(40960u, meta().loads[0][0].len);
}

TEST_F(Unpack, HasRoomForAsMuchAsAKernelReads)
{
	for (size_t i = 0; i < NCCL_UNPACK_LOADS; i++) {
		ASSERT_TRUE(unpack_has_room(unpack, 3, 1));
		ASSERT_EQ(i + 2 <= NCCL_UNPACK_LOADS, unpack_has_room(unpack, 3, 2));
		unpack_add(unpack, 3, &pool[i * 32], 16, i * 16);
	}
	EXPECT_FALSE(unpack_has_room(unpack, 3, 1));
	EXPECT_TRUE(unpack_has_room(unpack, 4, 1)) << "another message";
	unpack_publish(unpack, 3);
	EXPECT_EQ(static_cast<uint64_t>(NCCL_UNPACK_LOADS), meta().count[3]);
}

TEST_F(Unpack, SlotsComeRound)
{
	unpack_add(unpack, 2, &pool[0], 10, 0);
	unpack_publish(unpack, 2);
	unpack_begin(unpack, 2 + NCCL_UNPACK_SLOTS);
	unpack_publish(unpack, 2 + NCCL_UNPACK_SLOTS);	// an empty one
	EXPECT_EQ(0u, meta().count[2]);
	// Sequence numbers have 32 bits and NCCL's count 64: the slots agree all the same.
	EXPECT_EQ(0u, (1ull << 32) % NCCL_UNPACK_SLOTS);
}

TEST_F(Unpack, KeepsTokensOfEachMessage)
{
	place_token token;
	std::vector<uint32_t> tokens;

	for (uint32_t i = 0; i < 1000; i++)
		ASSERT_EQ(0, unpack_hold(unpack, i % 2, i % 3, i));
	while (unpack_next(unpack, 0, &token)) {
		EXPECT_EQ(token.token % 3, token.stream);
		tokens.push_back(token.token);
	}
	std::sort(tokens.begin(), tokens.end());
	ASSERT_EQ(500u, tokens.size());
	for (uint32_t i = 0; i < 500; i++)
		EXPECT_EQ(2 * i, tokens[i]);
	EXPECT_TRUE(unpack_next(unpack, 1, &token));
}

TEST(UnpackBase, ReachesTwoGibToEitherSide)
{
	constexpr uintptr_t kGib = 1u << 30, kPool = 100 * kGib;
	::unpack unpack = {};
	auto reaches = [&](uintptr_t at, size_t len) { return unpack_reaches(&unpack, reinterpret_cast<void *>(at), len); };

	unpack.base = unpack_base(reinterpret_cast<void *>(kPool));
	EXPECT_TRUE(reaches(kPool, kGib));
	EXPECT_TRUE(reaches(kPool - 2 * kGib, 4096));
	EXPECT_FALSE(reaches(kPool - 2 * kGib - 1, 4096));
	EXPECT_TRUE(reaches(kPool + 2 * kGib - 4097, 4096));
	EXPECT_FALSE(reaches(kPool + 2 * kGib - 4095, 4096));
	EXPECT_FALSE(reaches(kPool, 4 * kGib));
	EXPECT_FALSE(reaches(kPool + 100 * kGib, 1));
	EXPECT_FALSE(reaches(0, 1));
	unpack.base = unpack_base(reinterpret_cast<void *>(4096));
	EXPECT_EQ(0u, unpack.base);
	EXPECT_TRUE(reaches(4096, kGib));
}

} // namespace

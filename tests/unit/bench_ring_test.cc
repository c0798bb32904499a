// SPDX-License-Identifier: BSD-3-Clause
// The ring's schedule and its kernel, with the network replaced by memcpy: every rank ends with the sum, and nothing is sent in vain.
#include "bench_simulation.h"

namespace {

// Reduces @count elements over @ranks and @channels and checks each rank's result, and the bytes around it.
Traffic reduce(const element *type, unsigned int ranks, unsigned int channels, size_t count, const fifo_shape *shape = &fifo_shapes[0])
{
	Simulation simulation(&allreduce, type, ranks, channels, count, shape);
	Traffic traffic = simulation.run();
	simulation.check();
	return traffic;
}

TEST(Ring, GivesEveryRankTheSum)
{
	for (const char *name : {"float", "int32", "uint8"}) {
		const element *type = element_find(name);
		for (unsigned int ranks = 2; ranks <= 8; ranks++)
			for (unsigned int channels = 1; channels <= 4; channels++)
				for (size_t count : {1, 2, 3, 127, 129, 1000, 4097, 65537}) {
					SCOPED_TRACE(std::string(name) + " ranks " + std::to_string(ranks) + " channels " + std::to_string(channels) +
						     " count " + std::to_string(count));
					reduce(type, ranks, channels, count);
					if (HasFailure())
						return;
				}
	}
}

TEST(Ring, GivesTheSumOfMoreThanOneLoop)
{
	// A loop is 2 MiB for each rank; the last one is short and odd.
	for (unsigned int ranks : {2u, 3u, 5u})
		reduce(element_find("float"), ranks, 2, 2 * 2 * ranks * ((2 << 20) / 4) + 12345);
}

TEST(Ring, GivesTheSumWithTheMessagesOfEveryProtocol)
{
	for (unsigned int shape = 0; shape < fifo_n_shapes; shape++) {
		SCOPED_TRACE(fifo_shapes[shape].name);
		for (size_t count : {1, 1000, 700'001})
			reduce(element_find("int32"), 3, 2, count, &fifo_shapes[shape]);
	}
}

TEST(Ring, SendsEveryByteTwiceAroundButForOneHop)
{
	for (unsigned int ranks : {2u, 4u, 7u})
		EXPECT_EQ(2 * (ranks - 1) * 1'000'000ull * 4, reduce(element_find("int32"), ranks, 3, 1'000'000).bytes);
}

TEST(Ring, SendsEmptySlicesWhereDataIsShort)
{
	// Two ranks, one element: 2 hops of 2 slices for each rank, and one slice on each of two hops holds the element.
	Traffic traffic = reduce(element_find("float"), 2, 1, 1);
	EXPECT_EQ(8u, traffic.slices);
	EXPECT_EQ(6u, traffic.empty);
	EXPECT_EQ(8u, traffic.bytes);
}

TEST(Ring, DividesTheBufferAmongChannelsWithoutGapOrOverlap)
{
	for (size_t count : {1, 127, 128, 129, 1000, 100'003})
		for (unsigned int channels = 1; channels <= 64; channels++) {
			size_t next = 0;
			for (unsigned int c = 0; c < channels; c++) {
				work part = work_of(element_find("float"), &fifo_shapes[0], 0, 2, c, channels, 1, count);
				ASSERT_EQ(next, part.first);
				ASSERT_TRUE(part.count == 0 || part.first % 4 == 0) << "parts start on 16 bytes";
				next = part.first + part.count;
			}
			ASSERT_EQ(count, next);
		}
}

TEST(Kernel, RefusesASliceOfAnotherSizeThanThePeerSent)
{
	Link in(&fifo_shapes[0]), out(&fifo_shapes[0]);
	kernel k{};
	k.element = element_find("float");
	k.collective = &allreduce;
	k.work = work_of(k.element, &fifo_shapes[0], 0, 2, 0, 1, 1, 100);
	std::vector<float> src(100), dst(100);
	k.src = reinterpret_cast<uint8_t *>(src.data());
	k.dst = reinterpret_cast<uint8_t *>(dst.data());
	k.recv = &in.recv;
	k.send = &out.send;
	failure why{};
	while (kernel_step(&k, &why) == 1)
		;
	ASSERT_EQ('\0', why.text[0]);
	in.recv.size[0] = 4;
	in.recv.tail = fifo_shapes[0].slice_steps;
	EXPECT_EQ(-1, kernel_step(&k, &why));
	EXPECT_NE(nullptr, strstr(why.text, "completed with 4 bytes where the peer sent"));
}

struct Unpacking : testing::Test {
	Unpacking()
	{
		handle = {meta.get(), pool, NCCL_UNPACK_NO_MESSAGE};
		for (size_t i = 0; i < sizeof(pool); i++)
			pool[i] = static_cast<uint8_t>(i * 3);
	}
	int message(size_t bytes) { return kernel_unpack_message(&unpack, slot, bytes, nullptr, &why); }
	std::unique_ptr<nccl_unpack_meta> meta{new nccl_unpack_meta()};
	nccl_unpack_handle handle{};
	kernel_unpack unpack{};
	uint8_t pool[1000], slot[1000] = {};
	failure why{};
};

TEST_F(Unpacking, TakesASlotForEachMessageFromKernelToKernel)
{
	for (uint64_t n = 0; n < 40; n++) {
		meta->count[n % NCCL_UNPACK_SLOTS] = n % 3 ? 1 : 0; // every third is empty
		meta->loads[n % NCCL_UNPACK_SLOTS][0] = {static_cast<uint32_t>(n), 10, 5};
		if (n % 7 == 0)
			kernel_unpack_start(&unpack, &handle);
		memset(slot, 0, sizeof(slot));
		ASSERT_EQ(0, message(15)) << why.text;
		ASSERT_EQ(n % 3 ? pool[n + 9] : 0, slot[14]) << n;
		ASSERT_EQ(0, slot[4]);
		if (n % 7 == 6)
			kernel_unpack_end(&unpack);
	}
	EXPECT_EQ(34u, handle.head) << "as the last kernel that ended has left it";
}

TEST_F(Unpacking, RefusesWhatWouldLandElsewhere)
{
	kernel_unpack_start(&unpack, &handle);
	meta->count[0] = 1;
	meta->loads[0][0] = {0, 11, 5};
	EXPECT_EQ(-1, message(15));
	EXPECT_NE(nullptr, strstr(why.text, "NCCL's kernel would write elsewhere"));
	why = {};
	meta->count[1] = NCCL_UNPACK_LOADS + 1;
	EXPECT_EQ(-1, message(15));
	EXPECT_NE(nullptr, strstr(why.text, "NCCL's kernel reads 2048 at most"));
}

TEST(Element, FindsEveryChangedBit)
{
	for (const char *name : {"float", "int32", "uint8"}) {
		const element *type = element_find(name);
		std::vector<uint8_t> data(64 * type->size);
		size_t first = 0;
		const origin from{0, 1, 0}, other{1, 1, 0}, further{0, 1, 10};
		type->fill(data.data(), 64, 0, kRound);
		ASSERT_EQ(0u, type->wrong(data.data(), 64, &from, kRound, &first));
		ASSERT_EQ(0u, type->wrong(&data[10 * type->size], 54, &further, kRound, &first));
		EXPECT_GT(type->wrong(data.data(), 64, &from, kRound + 1, &first), 48u) << "rounds look alike";
		EXPECT_GT(type->wrong(data.data(), 64, &other, kRound, &first), 48u) << "ranks look alike";
		EXPECT_GT(type->wrong(data.data(), 64, &further, kRound, &first), 48u) << "places look alike";
		data[17 * type->size] ^= 1;
		ASSERT_EQ(1u, type->wrong(data.data(), 64, &from, kRound, &first)) << name;
		EXPECT_EQ(17u, first);
	}
	EXPECT_EQ(nullptr, element_find("half"));
}

}  // namespace

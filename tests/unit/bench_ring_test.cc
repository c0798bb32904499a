// SPDX-License-Identifier: BSD-3-Clause
// The ring's schedule and its kernel, with the network replaced by memcpy: every rank ends with the sum, and nothing is sent in vain.
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

extern "C" {
#include "element.h"
#include "kernel.h"
#include "ring.h"
}

namespace {

constexpr uint32_t kRound = 3;
constexpr uint8_t kPoison = 0x5a;
constexpr size_t kMaxFifo = 5 << 20;

struct Link {
	std::unique_ptr<uint8_t[]> sent{new uint8_t[kMaxFifo]}, received{new uint8_t[kMaxFifo]};
	fifo send{}, recv{};	// of the rank before, of the rank after
	uint64_t slices = 0, empty = 0, bytes = 0;
	explicit Link(const fifo_shape *shape)
	{
		send.shape = recv.shape = shape;
		send.data = sent.get();
		recv.data = received.get();
	}

	// What the proxies and the network do: one slice at most.
	bool carry()
	{
		if (recv.tail == send.tail || recv.tail == recv.head + FIFO_STEPS)
			return false;
		size_t slot = recv.tail % FIFO_STEPS;
		memcpy(fifo_slot(&recv, recv.tail), fifo_slot(&send, recv.tail), static_cast<size_t>(send.size[slot]));
		recv.size[slot] = send.size[slot];
		slices++;
		empty += send.size[slot] == 0;
		bytes += static_cast<uint64_t>(send.size[slot]);
		recv.tail += recv.shape->slice_steps;
		send.head = recv.tail;
		return true;
	}
};

struct Traffic {
	uint64_t slices, empty, bytes;
};

// Reduces @count elements over @ranks and @channels and checks each rank's result, and the bytes around it.
Traffic reduce(const element *type, unsigned int ranks, unsigned int channels, size_t count, const fifo_shape *shape = &fifo_shapes[0])
{
	std::vector<std::vector<uint8_t>> src(ranks), dst(ranks);
	std::vector<Link> links;
	std::vector<kernel> kernels(ranks * channels);
	Traffic traffic{};

	for (unsigned int i = 0; i < ranks * channels; i++)
		links.emplace_back(shape);
	for (unsigned int r = 0; r < ranks; r++) {
		src[r].resize(count * type->size);
		dst[r].assign(count * type->size + 64, kPoison);
		type->fill(src[r].data(), count, r, kRound);
		for (unsigned int c = 0; c < channels; c++) {
			kernel &k = kernels[r * channels + c];
			k = {};
			k.ring.rank = r;
			k.ring.ranks = ranks;
			k.ring.shape = shape;
			k.ring.element_size = type->size;
			ring_part(count, type->size, c, channels, &k.ring.first, &k.ring.count);
			k.element = type;
			k.src = src[r].data();
			k.dst = dst[r].data();
			k.recv = &links[(r + ranks - 1) % ranks * channels + c].recv;
			k.send = &links[r * channels + c].send;
		}
	}
	failure why{};
	for (bool moved = true; moved;) {
		moved = false;
		for (kernel &k : kernels) {
			int ret = kernel_step(&k, &why);
			EXPECT_GE(ret, 0) << why.text;
			moved = moved || ret > 0;
		}
		for (Link &link : links)
			moved = link.carry() || moved;
	}
	for (kernel &k : kernels)
		EXPECT_TRUE(kernel_done(&k));
	for (unsigned int r = 0; r < ranks; r++) {
		size_t first = 0;
		EXPECT_EQ(0u, type->wrong(dst[r].data(), count, ranks, kRound, &first)) << "rank " << r << ", first " << first;
		for (size_t i = count * type->size; i < dst[r].size(); i++)
			EXPECT_EQ(kPoison, dst[r][i]) << "rank " << r << " wrote beyond its result";
	}
	for (size_t i = 0; i < links.size(); i++) {
		EXPECT_EQ(ring_steps(&kernels[i].ring), links[i].send.tail) << "a sender's steps are not as announced to its proxy";
		EXPECT_EQ(links[i].recv.tail, links[i].recv.head);
		traffic.slices += links[i].slices;
		traffic.empty += links[i].empty;
		traffic.bytes += links[i].bytes;
	}
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
				size_t first, part;
				ring_part(count, 4, c, channels, &first, &part);
				ASSERT_EQ(next, first);
				ASSERT_TRUE(part == 0 || first % 4 == 0) << "parts start on 16 bytes";
				next = first + part;
			}
			ASSERT_EQ(count, next);
		}
}

TEST(Kernel, RefusesASliceOfAnotherSizeThanThePeerSent)
{
	Link in(&fifo_shapes[0]), out(&fifo_shapes[0]);
	kernel k{};
	k.ring = {0, 2, &fifo_shapes[0], 4, 0, 100};
	k.element = element_find("float");
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
		type->fill(data.data(), 64, 0, kRound);	// the sum over one rank
		ASSERT_EQ(0u, type->wrong(data.data(), 64, 1, kRound, &first));
		EXPECT_GT(type->wrong(data.data(), 64, 1, kRound + 1, &first), 48u) << "rounds look alike";
		data[17 * type->size] ^= 1;
		ASSERT_EQ(1u, type->wrong(data.data(), 64, 1, kRound, &first)) << name;
		EXPECT_EQ(17u, first);
	}
	EXPECT_EQ(nullptr, element_find("half"));
}

}  // namespace

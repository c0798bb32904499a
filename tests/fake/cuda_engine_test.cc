// SPDX-License-Identifier: BSD-3-Clause
// The CUDA exporter on a whole driver, the stand-in for libcuda.so.1: what its copies do when they are late, many, or fail. No export here.
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <memory>
#include <sched.h>
#include <thread>
#include <vector>

#include "cuda_abi.h"
#include "devmem.h"
#include "fake_driver.h"

namespace {

constexpr size_t kSize = 1 << 20;

struct Engine : testing::Test {
	void SetUp() override
	{
		fake_driver::reset();
		ASSERT_EQ(0, devmem_exporter_open(DEVMEM_MEM_CUDA, 0, &exporter, &err)) << err.text;
		current = std::make_unique<fake_driver::Current>(0);
		ASSERT_EQ(0, FAKE_CALL(cuMemAlloc_v2)(&memory, 2 * kSize));
	}
	~Engine() override
	{
		devmem_exporter_close(exporter); // waits for copies
		FAKE_CALL(cuMemFree_v2)(memory);
	}
	uint8_t *addr(size_t offset = 0) { return reinterpret_cast<uint8_t *>(memory) + offset; }
	int wait(uint64_t fence)
	{
		int done;
		while ((done = devmem_copy_done(exporter, fence)) == 0)
			sched_yield();
		return done;
	}
	void copy(const std::vector<devmem_copy> &pieces)
	{
		uint64_t fence;
		ASSERT_EQ(0, devmem_copy_start(exporter, pieces.data(), static_cast<unsigned int>(pieces.size()), &fence));
		ASSERT_EQ(1, wait(fence));
	}
	std::vector<uint8_t> fill()
	{
		std::vector<uint8_t> bytes(kSize);
		for (size_t i = 0; i < kSize; i++)
			bytes[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
		copy({{addr(), bytes.data(), kSize}});
		return bytes;
	}
	// Pieces that lie apart in both places: none can be merged with the next.
	std::vector<devmem_copy> scatter(size_t piece)
	{
		std::vector<devmem_copy> pieces;
		for (size_t at = 0; at + piece <= kSize; at += piece)
			pieces.push_back({addr(2 * kSize - at - piece), addr(at), piece});
		return pieces;
	}
	std::string trouble()
	{
		devmem_error why;
		devmem_exporter_trouble(exporter, &why);
		return why.text;
	}
	devmem_exporter *exporter = nullptr;
	devmem_error err = {};
	fake_ptr memory = 0;
	std::unique_ptr<fake_driver::Current> current;
};

TEST_F(Engine, GathersPiecesToTheByteHoweverLateTheCopies)
{
	fake_driver::set(0, FAKE_DELAY_US, 2000);
	std::vector<uint8_t> bytes = fill(), back(kSize);
	auto pieces = scatter(4096);
	long blocked = fake_driver::count(0, FAKE_COUNT_BLOCKED);
	copy(pieces);
	EXPECT_EQ(blocked, fake_driver::count(0, FAKE_COUNT_BLOCKED)) << "copies in device memory keep nobody waiting";
	for (size_t at = 0; at < kSize; at += 4096)
		copy({{back.data() + at, addr(2 * kSize - at - 4096), 4096}});
	EXPECT_EQ(bytes, back);
}

TEST_F(Engine, HandsListsToTheDriverWhereItTakesThem)
{
	fill();
	auto pieces = scatter(4096); // 256
	long calls = fake_driver::count(0, FAKE_COUNT_COPY_CALLS), batches = fake_driver::count(0, FAKE_COUNT_BATCH_CALLS);
	copy(pieces);
	bool batched = dlsym(fake_driver::library(), "cuMemcpyBatchAsync");
	EXPECT_EQ(batched ? 0 : 256, fake_driver::count(0, FAKE_COUNT_COPY_CALLS) - calls);
	EXPECT_EQ(batched ? 1 : 0, fake_driver::count(0, FAKE_COUNT_BATCH_CALLS) - batches);
}

TEST_F(Engine, MergesWhatLiesSideBySide)
{
	std::vector<uint8_t> bytes = fill(), back(kSize);
	std::vector<devmem_copy> pieces;
	long before = fake_driver::count(0, FAKE_COUNT_PIECES);
	for (size_t at = 0; at < kSize; at += 4096)
		pieces.push_back({addr(kSize + at), addr(at), 4096});
	copy(pieces);
	EXPECT_EQ(before + 1, fake_driver::count(0, FAKE_COUNT_PIECES));
	copy({{back.data(), addr(kSize), kSize}});
	EXPECT_EQ(bytes, back);
}

TEST_F(Engine, MoreThanOneListAndHostMemoryAmongThem)
{
	std::vector<uint8_t> bytes = fill(), host(1000, 7), back(2 * kSize);
	auto pieces = scatter(512); // 2048 of them
	pieces.insert(pieces.begin() + 700, devmem_copy{addr(kSize - 1000), host.data(), 1000});
	pieces.erase(pieces.end() - 2, pieces.end()); // their sources are what the host's bytes overwrite
	copy(pieces);
	copy({{back.data(), addr(), 2 * kSize}});
	for (size_t at = 0; at + 512 <= kSize - 1024; at += 512)
		ASSERT_EQ(0, memcmp(back.data() + 2 * kSize - at - 512, bytes.data() + at, 512)) << at;
	EXPECT_EQ(0, memcmp(back.data() + kSize - 1000, host.data(), 1000));
}

TEST_F(Engine, TakesSingleCopiesWhereTheDriverRefusesLists)
{
	fake_driver::set(0, FAKE_BATCH, 801);
	std::vector<uint8_t> bytes = fill(), back(4096);
	long before = fake_driver::count(0, FAKE_COUNT_BATCH_CALLS);
	copy(scatter(4096));
	copy(scatter(4096));
	EXPECT_LE(fake_driver::count(0, FAKE_COUNT_BATCH_CALLS) - before, 1) << "asked once";
	copy({{back.data(), addr(2 * kSize - 4096), 4096}});
	EXPECT_EQ(0, memcmp(back.data(), bytes.data(), 4096));
}

TEST_F(Engine, AFullQueueSaysTryLaterInsteadOfWaiting)
{
	uint64_t fence = 0;
	auto pieces = scatter(4096);
	int started = 0, ret;
	fake_driver::set(0, FAKE_HOLD, 1);
	while ((ret = devmem_copy_start(exporter, pieces.data(), 256, &fence)) == 0 && started < 1000)
		started++;
	EXPECT_EQ(-EAGAIN, ret);
	EXPECT_GT(started, 2);
	fake_driver::set(0, FAKE_HOLD, 0);
	EXPECT_EQ(1, wait(fence));
	EXPECT_EQ(0, devmem_copy_start(exporter, pieces.data(), 256, &fence));
}

TEST_F(Engine, EachFailureOfACopyEndsThisCopyOnly)
{
	std::vector<uint8_t> bytes = fill(), back(4096);
	uint64_t fence;
	for (auto [error, expect] : {std::pair{1, -EINVAL}, {2, -ENOMEM}, {999, -EIO}}) {
		for (long turn = 1; turn <= 3; turn++) {
			auto pieces = scatter(4096);
			fake_driver::set(0, FAKE_COPY_ERROR, error);
			fake_driver::set(0, FAKE_FAIL_COPY, turn);
			int ret = 0;
			for (int i = 0; i < 3 && !ret; i++)
				ret = devmem_copy_start(exporter, pieces.data(), 256, &fence);
			EXPECT_EQ(expect, ret);
			EXPECT_NE(std::string::npos, trouble().find("CUDA device 0: cuMemcpy")) << trouble();
			fake_driver::set(0, FAKE_FAIL_COPY, 0);
			ASSERT_EQ(1, wait(fence));
			copy(pieces);
		}
	}
	copy({{back.data(), addr(2 * kSize - 4096), 4096}});
	EXPECT_EQ(0, memcmp(back.data(), bytes.data(), 4096));
}

TEST_F(Engine, AFailedFlushFailsTheCopyAndTheNextIsFlushedAgain)
{
	long before = fake_driver::count(0, FAKE_COUNT_FLUSHES);
	devmem_exporter_close(exporter);
	fake_driver::set(0, FAKE_ORDERING, 0);
	ASSERT_EQ(0, devmem_exporter_open(DEVMEM_MEM_CUDA, 0, &exporter, &err)) << err.text;
	fill();
	EXPECT_GT(fake_driver::count(0, FAKE_COUNT_FLUSHES), before);
	fake_driver::set(0, FAKE_FLUSH, 999);
	auto pieces = scatter(4096);
	uint64_t fence;
	EXPECT_EQ(-EIO, devmem_copy_start(exporter, pieces.data(), 256, &fence));
	EXPECT_NE(std::string::npos, trouble().find("cuFlushGPUDirectRDMAWrites")) << trouble();
	fake_driver::set(0, FAKE_FLUSH, 0);
	copy(pieces);
}

TEST_F(Engine, EventsThatFailMakeNoCopyWrong)
{
	fake_driver::set(0, FAKE_DELAY_US, 2000);
	std::vector<uint8_t> bytes = fill(), back(4096);
	for (enum fake_knob knob : {FAKE_FAIL_RECORD, FAKE_FAIL_QUERY}) {
		std::vector<uint8_t> zeroes(4096);
		copy({{addr(2 * kSize - 4096), zeroes.data(), 4096}});
		fake_driver::set(0, knob, 1);
		copy(scatter(4096));
		EXPECT_EQ(0, fake_driver::get(0, knob)) << "it has failed";
		copy({{back.data(), addr(2 * kSize - 4096), 4096}});
		EXPECT_EQ(0, memcmp(back.data(), bytes.data(), 4096));
	}
}

TEST_F(Engine, AStickyErrorEndsThisDeviceAndNoOther)
{
	devmem_exporter *other;
	std::vector<uint8_t> bytes = fill();
	auto pieces = scatter(4096);
	uint64_t before, fence;
	ASSERT_EQ(0, devmem_exporter_open(DEVMEM_MEM_CUDA, 1, &other, &err)) << err.text;
	ASSERT_EQ(0, devmem_copy_start(exporter, pieces.data(), 256, &before));
	ASSERT_EQ(1, wait(before));
	fake_driver::set(0, FAKE_STICKY_COPY, 1);
	int ret = devmem_copy_start(exporter, pieces.data(), 256, &fence); // may be in time to see it
	EXPECT_EQ(-EIO, ret ? ret : wait(fence));
	EXPECT_NE(std::string::npos, trouble().find("illegal memory access")) << trouble();
	EXPECT_EQ(-EIO, devmem_copy_start(exporter, pieces.data(), 256, &fence));
	EXPECT_EQ(1, devmem_copy_done(exporter, before)) << "what was done stays done";
	fake_ptr theirs;
	{
		fake_driver::Current current(1);
		ASSERT_EQ(0, FAKE_CALL(cuMemAlloc_v2)(&theirs, 8192));
	}
	devmem_copy piece = {reinterpret_cast<void *>(theirs), bytes.data(), 8192};
	ASSERT_EQ(0, devmem_copy_start(other, &piece, 1, &fence));
	int done;
	while ((done = devmem_copy_done(other, fence)) == 0)
		sched_yield();
	EXPECT_EQ(1, done);
	{
		fake_driver::Current current(1);
		FAKE_CALL(cuMemFree_v2)(theirs);
	}
	devmem_exporter_close(other);
}

// As after cudaDeviceReset().
TEST_F(Engine, AContextThatTheApplicationHasDestroyedIsToldAndHangsNothing)
{
	auto pieces = scatter(4096);
	uint64_t before, fence;
	devmem_mem *mem;
	ASSERT_EQ(0, devmem_copy_start(exporter, pieces.data(), 256, &before));
	ASSERT_EQ(1, wait(before));
	fake_driver::set(0, FAKE_PUSH, 709);
	EXPECT_EQ(-EIO, devmem_copy_start(exporter, pieces.data(), 256, &fence));
	EXPECT_NE(std::string::npos, trouble().find("context is destroyed")) << trouble();
	EXPECT_EQ(-EIO, devmem_copy_done(exporter, before + 1));
	EXPECT_EQ(1, devmem_copy_done(exporter, before));
	EXPECT_EQ(-EIO, devmem_mem_alloc(exporter, 4096, &mem, &err));
	EXPECT_NE(nullptr, strstr(err.text, "its context was destroyed")) << err.text;
	EXPECT_EQ(nullptr, devmem_staging_alloc(exporter, 4096));
	fake_driver::set(0, FAKE_PUSH, 0);
}

TEST_F(Engine, ClosingWaitsForWhatIsUnderWay)
{
	auto pieces = scatter(4096);
	uint64_t fence;
	fake_driver::set(0, FAKE_DELAY_US, 1000);
	ASSERT_EQ(0, devmem_copy_start(exporter, pieces.data(), 256, &fence));
	devmem_exporter_close(exporter); // else the fake ends the process: events and a stream in use
	exporter = nullptr;
}

TEST_F(Engine, ThreadsCopyAtTheSameTime)
{
	fake_driver::set(0, FAKE_DELAY_US, 100);
	std::vector<uint8_t> bytes = fill();
	std::vector<std::thread> threads;
	for (size_t t = 0; t < 4; t++)
		threads.emplace_back([&, t] {
			std::vector<uint8_t> back(4096);
			for (size_t i = 0; i < 20; i++) {
				size_t at = (t * 20 + i) * 4096;
				copy({{addr(kSize + at), addr(at), 4096}});
				copy({{back.data(), addr(kSize + at), 4096}});
				EXPECT_EQ(0, memcmp(back.data(), bytes.data() + at, 4096));
			}
		});
	for (std::thread &thread : threads)
		thread.join();
}

struct Opening : testing::Test {
	Opening() { fake_driver::reset(); }
	std::string refused(int ordinal = 0)
	{
		devmem_exporter *exporter;
		devmem_error err = {};
		EXPECT_NE(0, devmem_exporter_open(DEVMEM_MEM_CUDA, ordinal, &exporter, &err));
		EXPECT_EQ(nullptr, exporter);
		return err.text;
	}
};

TEST_F(Opening, TakesTheDeviceOfTheCurrentContext)
{
	devmem_exporter *exporter;
	EXPECT_EQ(-1, devmem_cuda_current());
	fake_driver::Current current(1);
	EXPECT_EQ(1, devmem_cuda_current());
	ASSERT_EQ(0, devmem_exporter_open(DEVMEM_MEM_CUDA, -1, &exporter, nullptr));
	EXPECT_EQ(1, devmem_exporter_ordinal(exporter));
	devmem_exporter_close(exporter);
}

TEST_F(Opening, SaysWhyNotAndLeavesNothing)
{
	fake_driver::set(0, FAKE_DMABUF, 0);
	EXPECT_NE(std::string::npos, refused().find("open kernel modules"));
	fake_driver::set(1, FAKE_ORDERING, 0);
	fake_driver::set(1, FAKE_FLUSH_OPTIONS, 0);
	EXPECT_NE(std::string::npos, refused(1).find("offers no flush"));
	EXPECT_NE(std::string::npos, refused(5).find("invalid device ordinal"));
	fake_driver::reset();
	fake_driver::set(0, FAKE_FAIL_STREAM, 1);
	EXPECT_NE(std::string::npos, refused().find("cuStreamCreate: out of memory"));
	fake_driver::set(0, FAKE_INIT, 999);
	EXPECT_NE(std::string::npos, refused().find("cuInit"));
	fake_driver::set(0, FAKE_INIT, 0);
	fake_driver::set(-1, FAKE_DEVICES, 0);
	EXPECT_NE(std::string::npos, refused().find("no CUDA-capable device"));
}

} // namespace

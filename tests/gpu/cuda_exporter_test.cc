// SPDX-License-Identifier: BSD-3-Clause
// The CUDA exporter on whatever driver there is, a real GPU's or the stand-in's: memory goes out as a dmabuf, copies move bytes exactly.
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "devmem.h"

namespace {

constexpr size_t kSize = 1 << 20;

struct Gpu : testing::Test {
	void SetUp() override
	{
		if (devmem_exporter_open(DEVMEM_MEM_CUDA, 0, &exporter, &err))
			GTEST_SKIP() << err.text;
		ASSERT_EQ(0, devmem_mem_alloc(exporter, 2 * kSize, &mem, &err)) << err.text;
	}
	~Gpu() override
	{
		devmem_mem_free(mem);
		devmem_exporter_close(exporter);
	}
	uint8_t *addr(size_t offset = 0) { return static_cast<uint8_t *>(mem->addr) + offset; }
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
		int ret;
		while ((ret = devmem_copy_start(exporter, pieces.data(), static_cast<unsigned int>(pieces.size()), &fence)) == -EAGAIN)
			sched_yield();
		ASSERT_EQ(0, ret);
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
	// Pieces in reverse: none goes on where the one before ends.
	std::vector<devmem_copy> scatter(size_t piece)
	{
		std::vector<devmem_copy> pieces;
		for (size_t at = 0; at + piece <= kSize; at += piece)
			pieces.push_back({addr(2 * kSize - at - piece), addr(at), piece});
		return pieces;
	}
	devmem_exporter *exporter = nullptr;
	devmem_mem *mem = nullptr;
	devmem_error err = {};
};

TEST_F(Gpu, ExportsItsMemoryAsADmabuf)
{
	struct stat info;

	EXPECT_GE(mem->dmabuf_fd, 0);
	EXPECT_EQ(0, fstat(mem->dmabuf_fd, &info));
	EXPECT_EQ(static_cast<off_t>(mem->size), lseek(mem->dmabuf_fd, 0, SEEK_END));
}

TEST_F(Gpu, ExportsWhatSomebodyElseHasAllocated)
{
	devmem_mem *view;

	ASSERT_EQ(0, devmem_mem_wrap(exporter, addr(100), 5000, -1, 0, &view, &err)) << err.text;
	EXPECT_EQ(100u, view->dmabuf_offset);
	devmem_mem_free(view);
	ASSERT_EQ(0, devmem_mem_wrap(exporter, addr(), kSize, mem->dmabuf_fd, 0, &view, &err)) << err.text;
	devmem_mem_free(view);
}

TEST_F(Gpu, RefusesWhatIsNoMemoryOfADevice)
{
	std::vector<uint8_t> host(8192);
	devmem_mem *view;

	EXPECT_EQ(-EINVAL, devmem_mem_wrap(exporter, host.data(), host.size(), -1, 0, &view, &err));
	EXPECT_NE(nullptr, strstr(err.text, "no memory of a CUDA device")) << err.text;
}

TEST_F(Gpu, RefusesMemoryOfAnotherDevice)
{
	devmem_exporter *other;
	devmem_mem *view;

	if (devmem_exporter_open(DEVMEM_MEM_CUDA, 1, &other, &err))
		GTEST_SKIP() << "one device: " << err.text;
	EXPECT_EQ(-EINVAL, devmem_mem_wrap(other, mem->addr, kSize, mem->dmabuf_fd, 0, &view, &err));
	EXPECT_NE(nullptr, strstr(err.text, "is of CUDA device 0")) << err.text;
	devmem_exporter_close(other);
}

TEST_F(Gpu, GathersPiecesToTheByte)
{
	std::vector<uint8_t> out = fill(), in(kSize);
	std::vector<devmem_copy> pieces;

	for (size_t at = 0; at < kSize; at += 4096 - 13)
		pieces.push_back({addr(kSize + at), addr(at), std::min<size_t>(4096 - 13, kSize - at)});
	copy(pieces);
	copy({{in.data(), addr(kSize), kSize}});
	EXPECT_EQ(out, in);
}

TEST_F(Gpu, ScattersPiecesOfManySizesToTheByte)
{
	for (size_t piece : {4096u, 512u, 128u}) {
		std::vector<uint8_t> out = fill(), in(kSize);
		copy(scatter(piece));
		copy({{in.data(), addr(kSize), kSize}});
		for (size_t at = 0; at < kSize; at += piece)
			ASSERT_EQ(0, memcmp(in.data() + kSize - at - piece, out.data() + at, piece)) << piece << " bytes at " << at;
	}
}

TEST_F(Gpu, HostMemoryMayBeAmongThePieces)
{
	std::vector<uint8_t> out = fill(), host(5000, 7), in(2 * kSize);
	std::vector<devmem_copy> pieces;

	for (size_t at = 0; at < kSize / 2; at += 4096)
		pieces.push_back({addr(2 * kSize - at - 4096), addr(at), 4096});
	pieces.insert(pieces.begin() + 50, devmem_copy{addr(kSize), host.data(), host.size()});
	copy(pieces);
	copy({{in.data(), addr(), 2 * kSize}});
	for (size_t at = 0; at < kSize / 2; at += 4096)
		ASSERT_EQ(0, memcmp(in.data() + 2 * kSize - at - 4096, out.data() + at, 4096)) << at;
	EXPECT_EQ(0, memcmp(in.data() + kSize, host.data(), host.size()));
}

TEST_F(Gpu, ManyBatchesUnderWayEndInOrder)
{
	std::vector<uint8_t> out = fill(), in(4096);
	auto pieces = scatter(4096);
	std::vector<uint64_t> fences;
	uint64_t fence;

	for (int i = 0; i < 1000; i++) {
		int ret = devmem_copy_start(exporter, pieces.data(), static_cast<unsigned int>(pieces.size()), &fence);
		ASSERT_TRUE(ret == 0 || ret == -EAGAIN) << ret;
		if (!ret)
			fences.push_back(fence);
	}
	EXPECT_GE(fences.size(), 2u);
	ASSERT_EQ(1, wait(fences.back()));
	for (uint64_t earlier : fences)
		ASSERT_EQ(1, devmem_copy_done(exporter, earlier));
	copy({{in.data(), addr(2 * kSize - 4096), 4096}});
	EXPECT_EQ(0, memcmp(in.data(), out.data(), 4096));
}

TEST_F(Gpu, ThreadsCopyAtTheSameTime)
{
	std::vector<uint8_t> out = fill();
	std::vector<std::thread> threads;

	for (size_t t = 0; t < 4; t++)
		threads.emplace_back([&, t] {
			std::vector<uint8_t> in(4096);
			for (size_t i = 0; i < 20; i++) {
				size_t at = (t * 20 + i) * 4096;
				copy({{addr(kSize + at), addr(at), 4096}});
				copy({{in.data(), addr(kSize + at), 4096}});
				EXPECT_EQ(0, memcmp(in.data(), out.data() + at, 4096));
			}
		});
	for (std::thread &thread : threads)
		thread.join();
}

TEST_F(Gpu, ClosingAndFreeingWaitForCopiesUnderWay)
{
	auto pieces = scatter(128);
	uint64_t fence;

	ASSERT_EQ(0, devmem_copy_start(exporter, pieces.data(), static_cast<unsigned int>(pieces.size()), &fence));
	devmem_mem_free(mem);
	mem = nullptr;
	EXPECT_EQ(1, devmem_copy_done(exporter, fence));
}

} // namespace

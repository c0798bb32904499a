// SPDX-License-Identifier: BSD-3-Clause
// The CUDA exporter on a real GPU: memory goes out as a dmabuf, and its copy engine moves bytes exactly.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "devmem.h"

namespace {

struct Gpu : testing::Test {
	void SetUp() override
	{
		if (devmem_exporter_open(DEVMEM_MEM_CUDA, 0, &exporter, &err))
			GTEST_SKIP() << err.text;
	}
	~Gpu() override { devmem_exporter_close(exporter); }
	void copy(const std::vector<devmem_copy> &pieces)
	{
		uint64_t fence;
		int done;
		ASSERT_EQ(0, devmem_copy_start(exporter, pieces.data(), static_cast<unsigned int>(pieces.size()), &fence));
		while ((done = devmem_copy_done(exporter, fence)) == 0)
			sched_yield();
		ASSERT_EQ(1, done);
	}
	devmem_exporter *exporter = nullptr;
	devmem_error err = {};
};

TEST_F(Gpu, ExportsItsMemoryAsADmabuf)
{
	devmem_mem *mem;
	struct stat info;

	ASSERT_EQ(0, devmem_mem_alloc(exporter, 5 << 20, &mem, &err)) << err.text;
	EXPECT_GE(mem->dmabuf_fd, 0);
	EXPECT_EQ(0, fstat(mem->dmabuf_fd, &info));
	EXPECT_EQ(static_cast<off_t>(mem->size), lseek(mem->dmabuf_fd, 0, SEEK_END));
	devmem_mem_free(mem);
}

TEST_F(Gpu, GathersPiecesToTheByte)
{
	constexpr size_t kSize = 1 << 20;
	devmem_mem *mem;
	std::vector<uint8_t> out(kSize), in(kSize);

	ASSERT_EQ(0, devmem_mem_alloc(exporter, 2 * kSize, &mem, &err)) << err.text;
	auto *device = static_cast<uint8_t *>(mem->addr);
	for (size_t i = 0; i < kSize; i++)
		out[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
	copy({{device, out.data(), kSize}});
	std::vector<devmem_copy> pieces;
	for (size_t at = 0; at < kSize; at += 4096 - 13)
		pieces.push_back({device + kSize + at, device + at, std::min<size_t>(4096 - 13, kSize - at)});
	copy(pieces);
	copy({{in.data(), device + kSize, kSize}});
	EXPECT_EQ(out, in);
	devmem_mem_free(mem);
}

TEST_F(Gpu, ExportsWhatSomebodyElseHasAllocated)
{
	devmem_mem *mem, *view;

	ASSERT_EQ(0, devmem_mem_alloc(exporter, 4 << 20, &mem, &err)) << err.text;
	ASSERT_EQ(0, devmem_mem_wrap(exporter, static_cast<uint8_t *>(mem->addr) + 100, 5000, -1, 0, &view, &err)) << err.text;
	EXPECT_EQ(100u, view->dmabuf_offset);
	devmem_mem_free(view);
	devmem_mem_free(mem);
}

} // namespace

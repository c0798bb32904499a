// SPDX-License-Identifier: BSD-3-Clause
// The CUDA exporter over a driver made of fakes: what it asks for, and what it makes of refusals.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "cuda_driver.h"

namespace {

// What the fake driver does, and what it was asked.
struct Fake {
	int dma_buf = 1, ordering = 100, options = 1;
	bool refuse_pcie = false, refuse_export = false, events_pending = false;
	int fail_copy = 0, fail_record = 0, fail_query = 0, broken = 0, owner = 0;
	bool unknown_memory = false;
	int copies = 0, flushes = 0, contexts = 0, depth = 0, events = 0, allocations = 0;
	std::vector<unsigned long long> export_flags;
	size_t exported = 0;
	cuda_ptr exported_from = 0;
} fake;

const cuda_driver driver = {
	[](unsigned int) { return 0; },
	[](int, const char **text) { *text = "fake error"; return 0; },
	[](int *device) { *device = 3; return 0; },
	[](int *device, int ordinal) { *device = ordinal; return ordinal < 8 ? 0 : 101; },
	[](int *value, int attribute, int) {
		*value = attribute == CUDA_ATTRIBUTE_DMA_BUF_SUPPORTED ? fake.dma_buf :
			 attribute == CUDA_ATTRIBUTE_WRITES_ORDERING ? fake.ordering : fake.options;
		return 0;
	},
	[](void **context, int) { *context = &fake; fake.contexts++; return 0; },
	[](int) { fake.contexts--; return 0; },
	[](void *) { fake.depth++; return 0; },
	[](void **) { fake.depth--; return 0; },
	[](cuda_ptr *addr, size_t size) {
		*addr = reinterpret_cast<cuda_ptr>(aligned_alloc(4096, size));
		fake.allocations++;
		return 0;
	},
	[](cuda_ptr addr) { free(reinterpret_cast<void *>(addr)); fake.allocations--; return 0; },
	[](void **addr, size_t size, unsigned int) { *addr = malloc(size); return 0; },
	[](void *addr) { free(addr); return 0; },
	[](void *value, int attribute, cuda_ptr) {
		if (attribute == CUDA_POINTER_MEMORY_TYPE)
			*static_cast<unsigned int *>(value) = CUDA_MEMORY_TYPE_DEVICE;
		else if (attribute == CUDA_POINTER_DEVICE_ORDINAL)
			*static_cast<int *>(value) = fake.owner;
		else if (attribute == CUDA_POINTER_RANGE_START)
			*static_cast<cuda_ptr *>(value) = 0;
		else
			*static_cast<size_t *>(value) = SIZE_MAX;
		return fake.unknown_memory ? 1 : 0;
	},
	[](void *handle, cuda_ptr addr, size_t size, int, unsigned long long flags) {
		fake.export_flags.push_back(flags);
		if (fake.refuse_export || (fake.refuse_pcie && flags == CUDA_MAPPING_PCIE))
			return 801;
		fake.exported = size;
		fake.exported_from = addr;
		*static_cast<int *>(handle) = open("/dev/null", O_RDWR);
		return 0;
	},
	[](int, int) { fake.flushes++; return 0; },
	[](void **stream, unsigned int) { *stream = &fake; return 0; },
	[](void *) { return 0; },
	[](void *) { return fake.broken ? fake.broken : fake.events_pending ? static_cast<int>(CUDA_NOT_READY) : 0; },
	[](cuda_ptr dst, cuda_ptr src, size_t size, void *) {
		fake.copies++;
		if (fake.broken || fake.fail_copy)
			return fake.broken ? fake.broken : fake.fail_copy;
		memcpy(reinterpret_cast<void *>(dst), reinterpret_cast<void *>(src), size);
		return 0;
	},
	nullptr,
	nullptr,
	[](void **event, unsigned int) { *event = &fake; fake.events++; return 0; },
	[](void *, void *) { return fake.fail_record; },
	[](void *) { return fake.fail_query ? fake.fail_query : fake.events_pending ? static_cast<int>(CUDA_NOT_READY) : 0; },
	[](void *) { fake.events--; return 0; },
};

struct Cuda : testing::Test {
	Cuda() { fake = Fake(); }
	~Cuda() override
	{
		devmem_exporter_close(exporter);
		EXPECT_EQ(0, fake.contexts);
		EXPECT_EQ(0, fake.depth) << "every push has its pop";
		EXPECT_EQ(0, fake.events);
		EXPECT_EQ(0, fake.allocations);
	}
	int open(int ordinal = 0) { return cuda_exporter_open(&driver, ordinal, &exporter, &err); }
	devmem_exporter *exporter = nullptr;
	devmem_error err = {};
};

TEST_F(Cuda, TakesTheCurrentDeviceWhenNoneIsNamed)
{
	ASSERT_EQ(0, open(-1)) << err.text;
	EXPECT_EQ(3, devmem_exporter_ordinal(exporter));
	EXPECT_EQ(DEVMEM_MEM_CUDA, devmem_exporter_kind(exporter));
}

TEST_F(Cuda, RefusesADeviceWithoutDmabufSupport)
{
	fake.dma_buf = 0;
	EXPECT_EQ(-ENODEV, open());
	EXPECT_NE(nullptr, strstr(err.text, "open kernel modules")) << err.text;
}

TEST_F(Cuda, RefusesADeviceThatIsNotThere)
{
	EXPECT_EQ(-ENODEV, open(12));
	EXPECT_NE(nullptr, strstr(err.text, "fake error")) << err.text;
}

TEST_F(Cuda, AllocatesWholeGranulesAndExportsThem)
{
	devmem_mem *mem;
	ASSERT_EQ(0, open());
	ASSERT_EQ(0, devmem_mem_alloc(exporter, 5000, &mem, &err)) << err.text;
	EXPECT_EQ(size_t(2) << 20, mem->size);
	EXPECT_EQ(mem->size, fake.exported);
	EXPECT_EQ(std::vector<unsigned long long>{CUDA_MAPPING_PCIE}, fake.export_flags);
	devmem_mem_free(mem);
}

TEST_F(Cuda, ExportsWithoutThePcieFlagWhereItIsRefused)
{
	devmem_mem *mem;
	fake.refuse_pcie = true;
	ASSERT_EQ(0, open());
	ASSERT_EQ(0, devmem_mem_alloc(exporter, 4096, &mem, &err)) << err.text;
	EXPECT_EQ((std::vector<unsigned long long>{CUDA_MAPPING_PCIE, 0}), fake.export_flags);
	devmem_mem_free(mem);
}

TEST_F(Cuda, AnExportRefusedFreesTheMemoryAndSaysWhy)
{
	devmem_mem *mem;
	fake.refuse_export = true;
	ASSERT_EQ(0, open());
	EXPECT_EQ(-ENOTSUP, devmem_mem_alloc(exporter, 4096, &mem, &err));
	EXPECT_EQ(nullptr, mem);
	EXPECT_NE(nullptr, strstr(err.text, "fake error")) << err.text;
}

TEST_F(Cuda, ExportsForeignMemoryByWholePages)
{
	devmem_mem *mem;
	ASSERT_EQ(0, open());
	ASSERT_EQ(0, devmem_mem_wrap(exporter, reinterpret_cast<void *>(0x10000 + 100), 5000, -1, 0, &mem, &err)) << err.text;
	EXPECT_EQ(0x10000u, fake.exported_from);
	EXPECT_EQ(8192u, fake.exported);
	EXPECT_EQ(100u, mem->dmabuf_offset);
	devmem_mem_free(mem);
}

TEST_F(Cuda, CopiesAreDoneWhenTheirEventIs)
{
	char from[] = "abcdef", to[] = "------";
	devmem_copy pieces[] = {{to, from, 3}, {to + 3, from + 3, 3}};
	uint64_t fence;
	ASSERT_EQ(0, open());
	fake.events_pending = true;
	ASSERT_EQ(0, devmem_copy_start(exporter, pieces, 2, &fence));
	EXPECT_EQ(0, devmem_copy_done(exporter, fence));
	EXPECT_EQ(1, devmem_copy_done(exporter, 0)) << "fence 0 is before all copies";
	fake.events_pending = false;
	EXPECT_EQ(1, devmem_copy_done(exporter, fence));
	EXPECT_STREQ("abcdef", to);
	EXPECT_EQ(1, fake.copies) << "the second piece goes on where the first ends";
	EXPECT_EQ(0, fake.flushes) << "ordering by the owner needs none";
}

TEST_F(Cuda, FlushesBeforeCopiesWhereWritesAreNotOrdered)
{
	char from = 1, to = 0;
	devmem_copy piece = {&to, &from, 1};
	uint64_t fence;
	fake.ordering = 0;
	ASSERT_EQ(0, open());
	ASSERT_EQ(0, devmem_copy_start(exporter, &piece, 1, &fence));
	EXPECT_EQ(1, fake.flushes);
}

TEST_F(Cuda, RefusesADeviceWhoseWritesAreNeitherOrderedNorFlushed)
{
	fake.ordering = 0;
	fake.options = 0;
	EXPECT_EQ(-ENODEV, open());
	EXPECT_NE(nullptr, strstr(err.text, "does not order")) << err.text;
}

TEST_F(Cuda, AFullEngineSaysTryLater)
{
	char from = 1, to = 0;
	devmem_copy piece = {&to, &from, 1};
	uint64_t fence;
	int started = 0, ret;
	ASSERT_EQ(0, open());
	fake.events_pending = true;
	while ((ret = devmem_copy_start(exporter, &piece, 1, &fence)) == 0)
		ASSERT_LT(++started, 100'000);
	EXPECT_EQ(-EAGAIN, ret);
	fake.events_pending = false;
	EXPECT_EQ(0, devmem_copy_start(exporter, &piece, 1, &fence));
}

TEST_F(Cuda, ACopyThatFailsEndsNoOther)
{
	char from = 1, to = 0;
	devmem_copy piece = {&to, &from, 1};
	devmem_error trouble;
	uint64_t fence;
	ASSERT_EQ(0, open());
	devmem_exporter_trouble(exporter, &trouble);
	EXPECT_EQ(0, trouble.code);
	fake.fail_copy = CUDA_INVALID_VALUE;
	EXPECT_EQ(-EINVAL, devmem_copy_start(exporter, &piece, 1, &fence));
	devmem_exporter_trouble(exporter, &trouble);
	EXPECT_EQ(-EINVAL, trouble.code);
	EXPECT_NE(nullptr, strstr(trouble.text, "cuMemcpyAsync")) << trouble.text;
	fake.fail_copy = CUDA_OUT_OF_MEMORY;
	EXPECT_EQ(-ENOMEM, devmem_copy_start(exporter, &piece, 1, &fence));
	fake.fail_copy = 0;
	EXPECT_EQ(0, devmem_copy_start(exporter, &piece, 1, &fence));
	EXPECT_EQ(1, devmem_copy_done(exporter, fence));
}

TEST_F(Cuda, AnErrorOfTheContextIsFinalButNotForWhatWasDoneBefore)
{
	char from = 1, to = 0;
	devmem_copy piece = {&to, &from, 1};
	devmem_error trouble;
	uint64_t before, fence;
	ASSERT_EQ(0, open());
	ASSERT_EQ(0, devmem_copy_start(exporter, &piece, 1, &before));
	EXPECT_EQ(1, devmem_copy_done(exporter, before));
	fake.broken = 700;
	EXPECT_EQ(-EIO, devmem_copy_start(exporter, &piece, 1, &fence));
	devmem_exporter_trouble(exporter, &trouble);
	EXPECT_NE(nullptr, strstr(trouble.text, "restart the job")) << trouble.text;
	fake.broken = 0;
	EXPECT_EQ(-EIO, devmem_copy_start(exporter, &piece, 1, &fence));
	EXPECT_EQ(1, devmem_copy_done(exporter, before));
	EXPECT_EQ(1, devmem_copy_done(exporter, 0));
}

TEST_F(Cuda, WithoutItsEventABatchIsDoneWhenTheStreamIs)
{
	char from = 1, to = 0;
	devmem_copy piece = {&to, &from, 1};
	uint64_t fence;
	ASSERT_EQ(0, open());
	fake.events_pending = true;
	fake.fail_record = 999;
	ASSERT_EQ(0, devmem_copy_start(exporter, &piece, 1, &fence));
	EXPECT_EQ(0, devmem_copy_done(exporter, fence));
	fake.fail_record = 0;
	fake.fail_query = 999;
	ASSERT_EQ(0, devmem_copy_start(exporter, &piece, 1, &fence));
	EXPECT_EQ(0, devmem_copy_done(exporter, fence));
	fake.events_pending = false;
	EXPECT_EQ(1, devmem_copy_done(exporter, fence));
}

TEST_F(Cuda, RefusesMemoryOfAnotherDeviceAndOfNone)
{
	devmem_mem *mem;
	void *addr = reinterpret_cast<void *>(0x10000);
	ASSERT_EQ(0, open());
	fake.owner = 1;
	EXPECT_EQ(-EINVAL, devmem_mem_wrap(exporter, addr, 4096, -1, 0, &mem, &err));
	EXPECT_NE(nullptr, strstr(err.text, "cudaSetDevice(1)")) << err.text;
	EXPECT_EQ(-EINVAL, devmem_mem_wrap(exporter, addr, 4096, 0, 0, &mem, &err)) << "with a dmabuf of its own";
	fake.unknown_memory = true;
	EXPECT_EQ(-EINVAL, devmem_mem_wrap(exporter, addr, 4096, -1, 0, &mem, &err));
	EXPECT_NE(nullptr, strstr(err.text, "no memory of a CUDA device")) << err.text;
	EXPECT_TRUE(fake.export_flags.empty());
}

TEST(CudaDriver, SaysThatThereIsNoneWhereThereIsNone)
{
	const cuda_driver *found;
	devmem_error err = {};

	if (!cuda_driver_load(&found, &err))
		GTEST_SKIP() << "this machine has a CUDA driver";
	EXPECT_NE(nullptr, strstr(err.text, "libcuda.so.1")) << err.text;
}

} // namespace

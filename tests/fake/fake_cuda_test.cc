// SPDX-License-Identifier: BSD-3-Clause
// The stand-in for libcuda.so.1 itself: that its copies take their time, and that it finds each kind of misuse.
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "cuda_abi.h"
#include "fake_control.h"

namespace {

struct Fake : testing::Test {
	Fake()
	{
		// A process that has forked has no driver.
		GTEST_FLAG_SET(death_test_style, "threadsafe");
		fake_cuda_set(-1, FAKE_DEVICES, 2);
		fake_cuda_set(-1, FAKE_DELAY_US, 0);
		EXPECT_EQ(0, cuInit(0));
		EXPECT_EQ(0, cuDevicePrimaryCtxRetain(&context, 0));
		EXPECT_EQ(0, cuDevicePrimaryCtxRetain(&other, 1));
		EXPECT_EQ(0, cuCtxPushCurrent_v2(context));
		EXPECT_EQ(0, cuStreamCreate(&stream, 1));
		EXPECT_EQ(0, cuEventCreate(&event, 2));
		EXPECT_EQ(0, cuMemAlloc_v2(&memory, 8192));
	}
	~Fake() override
	{
		void *popped;
		finish();
		cuMemFree_v2(memory);
		cuEventDestroy_v2(event);
		cuStreamDestroy_v2(stream);
		cuCtxPopCurrent_v2(&popped);
		cuDevicePrimaryCtxRelease_v2(1);
		cuDevicePrimaryCtxRelease_v2(0);
	}
	fake_ptr host(void *addr) { return reinterpret_cast<fake_ptr>(addr); }
	int finish()
	{
		int error = cuEventRecord(event, stream);
		while (!error && (error = cuEventQuery(event)) == 600) {
			sched_yield();
			error = 0;
		}
		return error;
	}
	void *context = nullptr, *other = nullptr, *stream = nullptr, *event = nullptr;
	fake_ptr memory = 0;
};

TEST_F(Fake, ACopyIsNotDoneBeforeItsEvent)
{
	std::vector<char> first(8192, 'a'), second(8192, 'b');
	char *pinned;
	ASSERT_EQ(0, cuMemHostAlloc(reinterpret_cast<void **>(&pinned), 8192, 1));
	ASSERT_EQ(0, cuMemcpyAsync(memory, host(first.data()), 8192, stream));
	ASSERT_EQ(0, cuMemcpyAsync(host(pinned), memory, 8192, stream));
	ASSERT_EQ(0, finish());
	EXPECT_EQ('a', pinned[8191]);
	fake_cuda_set(0, FAKE_DELAY_US, 30'000);
	ASSERT_EQ(0, cuMemcpyAsync(memory, host(second.data()), 8192, stream));
	ASSERT_EQ(0, cuMemcpyAsync(host(pinned), memory, 8192, stream));
	ASSERT_EQ(0, cuEventRecord(event, stream));
	EXPECT_EQ(600, cuEventQuery(event));
	EXPECT_EQ('a', pinned[0]) << "read too early";
	while (cuEventQuery(event) == 600)
		sched_yield();
	EXPECT_EQ('b', pinned[0]);
	EXPECT_EQ(0, cuMemFreeHost(pinned));
}

TEST_F(Fake, ACopyToPageableMemoryMakesItsCallerWait)
{
	std::vector<char> from(8192, 'c'), to(8192);
	long blocked = fake_cuda_count(0, FAKE_COUNT_BLOCKED);
	fake_cuda_set(0, FAKE_DELAY_US, 10'000);
	ASSERT_EQ(0, cuMemcpyAsync(memory, host(from.data()), 8192, stream));
	from.assign(8192, 'x'); // was read by the call
	ASSERT_EQ(0, cuMemcpyAsync(host(to.data()), memory, 8192, stream));
	EXPECT_EQ('c', to[8191]);
	EXPECT_EQ(blocked + 1, fake_cuda_count(0, FAKE_COUNT_BLOCKED));
}

TEST_F(Fake, TheCopiesOfABatchHaveNoOrder)
{
	std::vector<char> from(8192, 'a'), to(8192);
	fake_ptr dsts[] = {memory + 4096, memory + 6000}, srcs[] = {memory, memory + 4096};
	size_t sizes[] = {100, 100}, first = 0;
	fake_copy_attributes attributes = {1, {0, 0}, {0, 0}, 0};
	std::fill(from.begin() + 4096, from.end(), 'b');
	ASSERT_EQ(0, cuMemcpyAsync(memory, host(from.data()), 8192, stream));
	ASSERT_EQ(0, cuMemcpyBatchAsync_v2(dsts, srcs, sizes, 2, &attributes, &first, 1, stream));
	ASSERT_EQ(0, cuMemcpyAsync(host(to.data()), memory, 8192, stream));
	EXPECT_EQ('a', to[4096]);
	EXPECT_EQ('b', to[6000]) << "the second copy did not wait for the first";
}

TEST_F(Fake, AStickyErrorIsOfOneDeviceAndStays)
{
	void *popped, *second;
	fake_cuda_set(0, FAKE_STICKY_COPY, 1);
	ASSERT_EQ(0, cuMemcpyAsync(memory, memory + 4096, 100, stream));
	while (cuStreamQuery(stream) == 600)
		sched_yield();
	EXPECT_EQ(700, cuStreamQuery(stream));
	EXPECT_EQ(700, cuMemcpyAsync(memory, memory + 4096, 100, stream));
	ASSERT_EQ(0, cuCtxPushCurrent_v2(other));
	EXPECT_EQ(0, cuStreamCreate(&second, 1));
	EXPECT_EQ(0, cuStreamQuery(second));
	EXPECT_EQ(0, cuStreamDestroy_v2(second));
	EXPECT_EQ(0, cuCtxPopCurrent_v2(&popped));
}

TEST_F(Fake, UnorderedWritesNeedAFlushForEachBatch)
{
	char to;
	int fd;
	fake_cuda_set(0, FAKE_ORDERING, 0);
	std::string zero(1, 0);
	ASSERT_EQ(0, cuMemcpyAsync(memory, host(zero.data()), 1, stream));
	if (cuMemGetHandleForAddressRange(&fd, memory, 8192, 1, 0)) {
		fake_cuda_set(0, FAKE_ORDERING, 100);
		GTEST_SKIP() << "no /dev/udmabuf here";
	}
	close(fd);
	ASSERT_EQ(0, cuMemcpyAsync(host(&to), memory, 1, stream));
	EXPECT_EQ('\xff', to) << "not flushed";
	ASSERT_EQ(0, cuFlushGPUDirectRDMAWrites(0, 100));
	ASSERT_EQ(0, cuMemcpyAsync(host(&to), memory, 1, stream));
	EXPECT_EQ(0, to);
	ASSERT_EQ(0, finish());
	ASSERT_EQ(0, cuMemcpyAsync(host(&to), memory, 1, stream));
	EXPECT_EQ('\xff', to) << "not flushed since";
	fake_cuda_set(0, FAKE_ORDERING, 100);
}

TEST_F(Fake, HasNoDriverForAForkedProcess)
{
	pid_t child = fork();
	int status, n;
	if (!child)
		_exit(cuDeviceGetCount(&n) == 3 && cuInit(0) == 3 ? 0 : 1);
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
}

// A process of its own for each misuse.
using Misuse = Fake;

TEST_F(Misuse, NoContext)
{
	void *popped, *made;
	EXPECT_DEATH({ cuCtxPopCurrent_v2(&popped); cuStreamCreate(&made, 1); }, "without a current context");
}

TEST_F(Misuse, AnotherContext)
{
	EXPECT_DEATH({ cuCtxPushCurrent_v2(other); cuEventRecord(event, stream); }, "of device 0 in the context of device 1");
}

TEST_F(Misuse, PopsWithoutPush)
{
	void *popped;
	EXPECT_DEATH({ cuCtxPopCurrent_v2(&popped); cuCtxPopCurrent_v2(&popped); }, "without a cuCtxPushCurrent");
}

TEST_F(Misuse, PushesWithoutPop)
{
	EXPECT_DEATH(
		{
			pthread_t thread;
			pthread_create(&thread, nullptr, [](void *pushed) -> void * { cuCtxPushCurrent_v2(pushed); return nullptr; }, context);
			pthread_join(thread, nullptr);
		},
		"a thread ended with 1 contexts pushed");
}

TEST_F(Misuse, MemoryAfterItsEnd)
{
	EXPECT_DEATH({ cuMemFree_v2(memory); cuMemcpyAsync(memory, memory + 4096, 1, stream); }, "was freed");
	EXPECT_DEATH({ cuMemFree_v2(memory); cuMemFree_v2(memory); }, "for the second time");
}

TEST_F(Misuse, MemoryEndedInUse)
{
	EXPECT_DEATH(
		{
			fake_cuda_set(0, FAKE_DELAY_US, 1'000'000);
			cuMemcpyAsync(memory, memory + 4096, 1, stream);
			cuMemFree_v2(memory);
		},
		"while 2 copies use it");
}

TEST_F(Misuse, CopiesOutsideOfAnAllocation)
{
	EXPECT_DEATH(cuMemcpyAsync(memory + 4096, memory, 4097, stream), "leave the allocation");
	EXPECT_DEATH(cuMemcpyAsync(memory, memory + (1 << 20), 1, stream), "is in no allocation");
}

TEST_F(Misuse, EventsAndStreamsEndedInUseOrUsedAfterTheirEnd)
{
	auto busy = [&] {
		fake_cuda_set(0, FAKE_DELAY_US, 1'000'000);
		cuMemcpyAsync(memory, memory + 4096, 1, stream);
		cuEventRecord(event, stream);
	};
	EXPECT_DEATH({ busy(); cuEventDestroy_v2(event); }, "has not passed yet");
	EXPECT_DEATH({ busy(); cuStreamDestroy_v2(stream); }, "operations are on the stream");
	EXPECT_DEATH({ cuEventDestroy_v2(event); cuEventQuery(event); }, "that was destroyed");
	EXPECT_DEATH({ cuStreamDestroy_v2(stream); cuStreamQuery(stream); }, "that was destroyed");
}

TEST_F(Misuse, Leaks)
{
	void *popped;
	EXPECT_DEATH(exit(0), "a thread ended with 1 contexts pushed");
	EXPECT_DEATH({ cuCtxPopCurrent_v2(&popped); exit(0); }, "1 allocations, 1 streams and 1 events left at exit");
	EXPECT_DEATH(cuDevicePrimaryCtxRelease_v2(0), "left when its context ended");
	EXPECT_DEATH({ cuDevicePrimaryCtxRelease_v2(1); cuDevicePrimaryCtxRelease_v2(1); }, "more often than retained");
}

TEST_F(Misuse, TheCpuReadsDeviceMemory)
{
	EXPECT_DEATH(
		{
			volatile char *byte = reinterpret_cast<volatile char *>(memory);
			char read = *byte;
			(void)read;
		},
		"");
}

} // namespace

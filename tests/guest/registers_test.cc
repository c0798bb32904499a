// SPDX-License-Identifier: BSD-3-Clause
// The test kernel keeps each thread's vector registers over system calls, switches, faults, signals and fork.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr int kRounds = 2000;

struct Vectors {
	alignas(16) uint64_t lanes[32];	 // xmm0 to xmm15

	bool operator==(const Vectors &other) const { return !memcmp(lanes, other.lanes, sizeof(lanes)); }
};

Vectors pattern(uint64_t seed)
{
	Vectors v;
	for (unsigned int i = 0; i < 32; i++)
		v.lanes[i] = (seed + 1) * 0x9e3779b97f4a7c15ULL + i;
	return v;
}

// Loads the registers, makes a system call of @args, and returns what the registers hold then. In one asm, so that the compiler uses none between.
Vectors over_syscall(const Vectors &before, long number, long a = 0, long b = 0, long *result = nullptr)
{
	Vectors after;
	long ret;
	asm volatile("movdqa 0(%[in]), %%xmm0\n movdqa 16(%[in]), %%xmm1\n movdqa 32(%[in]), %%xmm2\n movdqa 48(%[in]), %%xmm3\n"
		     "movdqa 64(%[in]), %%xmm4\n movdqa 80(%[in]), %%xmm5\n movdqa 96(%[in]), %%xmm6\n movdqa 112(%[in]), %%xmm7\n"
		     "movdqa 128(%[in]), %%xmm8\n movdqa 144(%[in]), %%xmm9\n movdqa 160(%[in]), %%xmm10\n movdqa 176(%[in]), %%xmm11\n"
		     "movdqa 192(%[in]), %%xmm12\n movdqa 208(%[in]), %%xmm13\n movdqa 224(%[in]), %%xmm14\n movdqa 240(%[in]), %%xmm15\n"
		     "syscall\n"
		     "movdqa %%xmm0, 0(%[out])\n movdqa %%xmm1, 16(%[out])\n movdqa %%xmm2, 32(%[out])\n movdqa %%xmm3, 48(%[out])\n"
		     "movdqa %%xmm4, 64(%[out])\n movdqa %%xmm5, 80(%[out])\n movdqa %%xmm6, 96(%[out])\n movdqa %%xmm7, 112(%[out])\n"
		     "movdqa %%xmm8, 128(%[out])\n movdqa %%xmm9, 144(%[out])\n movdqa %%xmm10, 160(%[out])\n movdqa %%xmm11, 176(%[out])\n"
		     "movdqa %%xmm12, 192(%[out])\n movdqa %%xmm13, 208(%[out])\n movdqa %%xmm14, 224(%[out])\n movdqa %%xmm15, 240(%[out])\n"
		     : "=a"(ret)
		     : [in] "r"(before.lanes), [out] "r"(after.lanes), "a"(number), "D"(a), "S"(b)
		     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
		       "xmm12", "xmm13", "xmm14", "xmm15");
	if (result)
		*result = ret;
	return after;
}

TEST(Registers, StayOverSystemCalls)
{
	for (int i = 0; i < kRounds; i++)
		ASSERT_EQ(pattern(i), over_syscall(pattern(i), SYS_getppid)) << i;
}

TEST(Registers, AreEachThreadsOwn)
{
	std::vector<std::thread> threads;
	for (uint64_t t = 0; t < 4; t++)
		threads.emplace_back([t] {
			for (int i = 0; i < kRounds; i++)
				ASSERT_EQ(pattern(t << 32 | i), over_syscall(pattern(t << 32 | i), SYS_sched_yield)) << t << " " << i;
		});
	for (auto &thread : threads)
		thread.join();
}

// The first write to a page faults in the middle of a loop that keeps its values in registers.
TEST(Registers, StayOverFaults)
{
	constexpr size_t kPages = 512, kPage = 4096;
	auto *pages = static_cast<char *>(mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_NE(MAP_FAILED, pages);
	alignas(16) uint64_t in[2] = {0x0123456789abcdef, 0xfedcba9876543210}, out[2];
	for (size_t i = 0; i < kPages; i++) {
		asm volatile("movdqa (%[in]), %%xmm7\n movb $1, (%[page])\n movdqa %%xmm7, (%[out])\n"
			     :
			     : [in] "r"(in), [out] "r"(out), [page] "r"(pages + i * kPage)
			     : "memory", "xmm7");
		ASSERT_EQ(0, memcmp(in, out, sizeof(in))) << i;
	}
	munmap(pages, kPages * kPage);
}

int handled;

void spoil_registers(int)
{
	over_syscall(pattern(0xbad), SYS_getppid);
	handled++;
}

TEST(Registers, AreGivenBackBySignalHandlers)
{
	handled = 0;
	ASSERT_NE(SIG_ERR, signal(SIGUSR1, spoil_registers));
	for (int i = 0; i < kRounds; i++)
		ASSERT_EQ(pattern(i), over_syscall(pattern(i), SYS_kill, getpid(), SIGUSR1)) << i;
	EXPECT_EQ(kRounds, handled);
	signal(SIGUSR1, SIG_DFL);
}

TEST(Registers, AreThoseOfTheParentAfterFork)
{
	for (int i = 0; i < 20; i++) {
		long child;
		Vectors after = over_syscall(pattern(i), SYS_fork, 0, 0, &child);
		if (!child)
			_exit(after == pattern(i) ? 0 : 1);
		ASSERT_GT(child, 0);
		ASSERT_EQ(pattern(i), after) << i;
		int status;
		ASSERT_EQ(child, waitpid(static_cast<pid_t>(child), &status, 0));
		ASSERT_EQ(0, status) << i;
	}
}

}  // namespace

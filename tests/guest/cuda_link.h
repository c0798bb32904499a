// SPDX-License-Identifier: BSD-3-Clause
// What the guest's tests of CUDA share: a process with two devices of the stand-in driver, and connections between their memories.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "../host/plugin_harness.h"
#include "cuda_abi.h"
#include "fake_driver.h"
#include "testnet.h"

using namespace harness;

// Both devices' contexts, as the application holds them.
struct Contexts {
	Contexts()
	{
		EXPECT_EQ(0, FAKE_CALL(cuInit)(0));
		for (int gpu = 0; gpu < 2; gpu++) {
			EXPECT_EQ(0, FAKE_CALL(cuDevicePrimaryCtxRetain)(&handles[gpu], gpu));
		}
	}
	~Contexts()
	{
		select(-1);
		for (int gpu = 0; gpu < 2; gpu++)
			FAKE_CALL(cuDevicePrimaryCtxRelease_v2)(gpu);
	}
	// As cudaSetDevice(); -1: no context.
	void select(int gpu) { EXPECT_EQ(0, FAKE_CALL(cuCtxSetCurrent)(gpu < 0 ? nullptr : handles[gpu])); }
	void *handles[2];
};

class Cuda : public testing::Test {
protected:
	void SetUp() override
	{
		clear_logs();
		fake_driver::reset();
		contexts = std::make_unique<Contexts>();
		setenv("NCCL_DEVMEM_IFNAME", "=dm0", 1);
		setenv("NCCL_SOCKET_FAMILY", "AF_INET", 1);
		setenv("NCCL_DEVMEM_POOL_MB", "8", 1);
		environment("cuda", true);
	}
	void environment(const char *memory, bool require)
	{
		setenv("NCCL_DEVMEM_MEMORY", memory, 1);
		setenv("NCCL_DEVMEM_REQUIRE", require ? "1" : "0", 1);
	}
	// A thread of `host` that works for `gpu`. Each end has counters of its own.
	std::function<void()> on(int host, int gpu = 0)
	{
		return [this, host, gpu] {
			std::string metrics = host == 0 ? "/tmp/sender" : "/tmp/receiver";
			mkdir(metrics.c_str(), 0777);
			setenv("NCCL_DEVMEM_METRICS", metrics.c_str(), 1);
			enter_host(host);
			contexts->select(gpu);
		};
	}
	bool warned(const std::string &words) { return warnings().find(words) != std::string::npos; }
	std::unique_ptr<Contexts> contexts;
};

inline ncclResult_t register_memory(Side &side, void *comm, DeviceMemory &memory, void **mhandle)
{
	int fd = dup(memory.mem->dmabuf_fd);
	ncclResult_t result;

	side.enter();
	result = side.net->regMrDmaBuf(comm, memory.addr(), memory.mem->size, NCCL_PTR_CUDA, 0, fd, mhandle);
	close(fd);
	return result;
}

// A connection between two sides with a buffer of device memory at each end.
struct Link {
	Link(Side &a, int gpu_a, Side &b, int gpu_b, size_t size = 1 << 20)
		: a(a), b(b), pair(a, b), out(size, DEVMEM_MEM_CUDA, gpu_a), in(size, DEVMEM_MEM_CUDA, gpu_b)
	{
		EXPECT_EQ(ncclSuccess, register_memory(a, pair.send, out, &out_handle)) << warnings();
		EXPECT_EQ(ncclSuccess, register_memory(b, pair.recv, in, &in_handle)) << warnings();
	}
	~Link()
	{
		EXPECT_EQ(ncclSuccess, a.net->deregMr(pair.send, out_handle));
		EXPECT_EQ(ncclSuccess, b.net->deregMr(pair.recv, in_handle));
	}
	void post(size_t size, void **send, void **recv)
	{
		void *data = in.addr();
		int tag = 0;

		*send = *recv = nullptr;
		out.put_pattern(0, position += 12345, size);
		ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &size, &tag, &in_handle, nullptr, recv)) << warnings();
		ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, out.addr(), size, 0, out_handle, nullptr, send)) << warnings();
	}
	void transfer(size_t size)
	{
		void *send, *recv;
		int got = -1;

		post(size, &send, &recv);
		wait_both(a, send, b, recv, &got);
		ASSERT_EQ(static_cast<int>(size), got);
		ASSERT_EQ(0u, in.wrong(0, position, size)) << size << " bytes";
	}
	// What a receive ends with whose copies go wrong from `spoil` on.
	ncclResult_t ends_with(const std::function<void()> &spoil)
	{
		void *send, *recv;
		int send_done = 0, recv_done = 0;
		ncclResult_t result = ncclSuccess;

		post(300'000, &send, &recv);
		spoil();
		for (double deadline = now() + 20; result == ncclSuccess && !recv_done && now() < deadline;) {
			if (!send_done && a.net->test(send, &send_done, nullptr) != ncclSuccess)
				send_done = 1;
			result = b.net->test(recv, &recv_done, nullptr);
		}
		EXPECT_TRUE(recv_done || result != ncclSuccess) << "a hang";
		return result;
	}
	Side &a, &b;
	Pair pair;
	DeviceMemory out, in;
	void *out_handle = nullptr, *in_handle = nullptr;
	uint64_t position = 0;
};

inline void host_transfer(Side &a, Side &b, Pair &pair)
{
	std::vector<uint8_t> out(100'000, 3), in(100'000);
	void *data = in.data(), *send = nullptr, *recv = nullptr, *mhandle = nullptr;
	size_t size = in.size();
	int tag = 0, got;

	ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &size, &tag, &mhandle, nullptr, &recv));
	ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, out.data(), out.size(), 0, nullptr, nullptr, &send));
	wait_both(a, send, b, recv, &got);
	EXPECT_EQ(out, in);
}

// SPDX-License-Identifier: BSD-3-Clause
// The plugin with CUDA memory from end to end, on the stand-in driver of tests/fake: several devices, and every failure of the driver.
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "../host/plugin_harness.h"
#include "cuda_abi.h"
#include "fake_driver.h"
#include "testnet.h"

using namespace harness;

namespace {

constexpr unsigned int kQueues = 8;

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

double metric(const std::string &end, const std::string &name)
{
	std::ifstream file("/tmp/" + end + "/devmem-" + std::to_string(getpid()) + ".prom");
	std::string line;

	while (std::getline(file, line))
		if (line.compare(0, name.size(), name) == 0 && line[name.size()] == ' ')
			return std::stod(line.substr(name.size()));
	ADD_FAILURE() << "no metric " << name;
	return -1;
}

unsigned int bound_queues(int host)
{
	unsigned int ifindex = dm0_index(host), n = 0;

	for (unsigned int queue = 0; queue < kQueues; queue++) {
		uint32_t id = 0;
		EXPECT_EQ(0, devmem_queue_binding(ifindex, queue, &id, nullptr));
		n += id != 0;
	}
	return n;
}

ncclResult_t register_memory(Side &side, void *comm, DeviceMemory &memory, void **mhandle)
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

void host_transfer(Side &a, Side &b, Pair &pair)
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

TEST_F(Cuda, TwoDevicesHaveAPoolEachAndTheirOwnWays)
{
	fake_driver::set(1, FAKE_ORDERING, 0);
	fake_driver::set(1, FAKE_PCIE_FLAG, 801);
	{
		Side a(on(0, 0)), b(on(1, 0));
		Link first(a, 0, b, 0);
		first.transfer(500'000);
		EXPECT_EQ(1u, bound_queues(1));
		EXPECT_EQ(0, fake_driver::count(1, FAKE_COUNT_EXPORTS)) << "nothing asked for device 1 yet";
		b.enter = on(1, 1);
		Link second(a, 0, b, 1);
		EXPECT_EQ(2u, bound_queues(1));
		long flushes = fake_driver::count(0, FAKE_COUNT_FLUSHES);
		second.transfer(1 << 20);
		first.transfer(77'777);
		second.transfer(5);
		EXPECT_EQ(flushes, fake_driver::count(0, FAKE_COUNT_FLUSHES));
		EXPECT_GT(fake_driver::count(1, FAKE_COUNT_FLUSHES), 0);
		EXPECT_EQ(0, fake_driver::count(1, FAKE_COUNT_PCIE_EXPORTS));
		EXPECT_GT(fake_driver::count(1, FAKE_COUNT_EXPORTS), 0);
		b.enter = on(1, 0);
		Link third(a, 0, b, 0);
		EXPECT_EQ(2u, bound_queues(1)) << "one pool for each device and NIC";
		third.transfer(1000);
	}
	EXPECT_EQ("", warnings());
	EXPECT_EQ(0u, bound_queues(1));
	double total = 500'000 + (1 << 20) + 77'777 + 5 + 1000;
	EXPECT_EQ(total, metric("receiver", "devmem_rx_bytes_total{path=\"device\"}"));
	EXPECT_EQ(total, metric("sender", "devmem_tx_bytes_total{path=\"device\"}"));
}

// As NCCL with two GPUs: each has threads of its own, which connect, register and move data at the same time.
TEST_F(Cuda, ThreadsOfTwoDevicesShareAPlugin)
{
	thread_local int gpu;
	auto thread_of = [this](int host) {
		return [this, host] {
			enter_host(host);
			contexts->select(gpu);
		};
	};
	gpu = 0;
	Side a(thread_of(0)), b(thread_of(1));
	std::vector<std::thread> threads;
	fake_driver::set(-1, FAKE_DELAY_US, 100);
	for (int device = 0; device < 2; device++)
		threads.emplace_back([&, device] {
			gpu = device;
			for (int round = 0; round < 3; round++) {
				Link link(a, device, b, device);
				for (size_t size : {1u, 100'000u, 1u << 20})
					link.transfer(size);
			}
			contexts->select(-1);
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_GT(fake_driver::count(0, FAKE_COUNT_PIECES), 0);
	EXPECT_GT(fake_driver::count(1, FAKE_COUNT_PIECES), 0);
	EXPECT_EQ("", warnings());
}

TEST_F(Cuda, AThreadWithoutAContextTakesTheFirstDevice)
{
	Side a(on(0, -1)), b(on(1, -1));
	Link link(a, 0, b, 0);
	link.transfer(100'000);
}

TEST_F(Cuda, MemoryOfAnotherDeviceIsRefusedAndTheConnectionLivesOn)
{
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	DeviceMemory theirs(1 << 20, DEVMEM_MEM_CUDA, 1);
	void *mhandle = nullptr;
	EXPECT_NE(ncclSuccess, register_memory(a, link.pair.send, theirs, &mhandle));
	EXPECT_TRUE(warned("is of CUDA device 1, but the connection was made for device 0")) << warnings();
	clear_logs();
	EXPECT_NE(ncclSuccess, b.net->regMr(link.pair.recv, theirs.addr(), 4096, NCCL_PTR_CUDA, &mhandle));
	EXPECT_TRUE(warned("cudaSetDevice(1)")) << warnings();
	std::vector<uint8_t> host(4096);
	EXPECT_NE(ncclSuccess, b.net->regMr(link.pair.recv, host.data(), host.size(), NCCL_PTR_CUDA, &mhandle));
	EXPECT_TRUE(warned("no memory of a CUDA device")) << warnings();
	link.transfer(100'000);
}

TEST_F(Cuda, MemoryWithoutADmabufIsExportedByThePlugin)
{
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	DeviceMemory memory(1 << 20, DEVMEM_MEM_CUDA);
	void *mhandle = nullptr, *send = nullptr, *recv = nullptr, *data = link.in.addr();
	size_t size = 5000;
	int tag = 0, got;
	memory.put_pattern(100, 0, size);
	a.enter();
	ASSERT_EQ(ncclSuccess, a.net->regMr(link.pair.send, memory.addr() + 100, size, NCCL_PTR_CUDA, &mhandle)) << warnings();
	ASSERT_EQ(ncclSuccess, b.net->irecv(link.pair.recv, 1, &data, &size, &tag, &link.in_handle, nullptr, &recv));
	ASSERT_EQ(ncclSuccess, a.net->isend(link.pair.send, memory.addr() + 100, size, 0, mhandle, nullptr, &send));
	wait_both(a, send, b, recv, &got);
	EXPECT_EQ(0u, link.in.wrong(0, 0, size));
	EXPECT_EQ(ncclSuccess, a.net->deregMr(link.pair.send, mhandle));
}

TEST_F(Cuda, DoneMeansDoneHoweverLateTheCopies)
{
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	fake_driver::set(-1, FAKE_DELAY_US, 3000);
	for (size_t size : {1u, 4096u, 100'001u, 1u << 20})
		link.transfer(size);
	EXPECT_EQ("", warnings());
}

TEST_F(Cuda, CopiesInDeviceMemoryKeepNobodyWaiting)
{
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	void *send, *recv;
	int got;
	link.post(1 << 20, &send, &recv);
	long blocked = fake_driver::count(-1, FAKE_COUNT_BLOCKED);
	wait_both(a, send, b, recv, &got);
	EXPECT_EQ(blocked, fake_driver::count(-1, FAKE_COUNT_BLOCKED));
}

// The receiver has no pool: payload goes by way of host memory at both ends.
TEST_F(Cuda, CopiesByWayOfHostMemoryKeepNobodyWaitingEither)
{
	environment("cuda", false);
	for (bool pinned : {true, false}) {
		Side a(on(0)), b(on(1));
		alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
		void *listener, *send, *recv;
		int got;
		fake_driver::set(0, FAKE_EXPORT, 801);
		ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
		fake_driver::set(0, FAKE_EXPORT, 0);
		fake_driver::set(0, FAKE_FAIL_PIN, pinned ? 0 : 1); // the first connection's sender or receiver
		Link link(a, 0, b, 0);
		fake_driver::set(0, FAKE_DELAY_US, 1000);
		link.post(1 << 20, &send, &recv);
		long blocked = fake_driver::count(-1, FAKE_COUNT_BLOCKED);
		wait_both(a, send, b, recv, &got);
		if (pinned) {
			EXPECT_EQ(blocked, fake_driver::count(-1, FAKE_COUNT_BLOCKED));
		}
		EXPECT_EQ(0u, link.in.wrong(0, link.position, 1 << 20));
		link.post(100'000, &send, &recv); // closed while under way
		int done;
		for (int i = 0; i < 3; i++)
			a.net->test(send, &done, nullptr);
		EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
	}
}

// The fake ends the process when memory is freed that a copy uses.
TEST_F(Cuda, MemoryMayBeFreedOnceItIsDeregistered)
{
	Side a(on(0)), b(on(1));
	void *send, *recv;
	int done;
	Link link(a, 0, b, 0);
	fake_driver::set(-1, FAKE_DELAY_US, 2000);
	link.post(1 << 20, &send, &recv);
	long pieces = fake_driver::count(0, FAKE_COUNT_PIECES);
	for (double deadline = now() + 10; fake_driver::count(0, FAKE_COUNT_PIECES) == pieces && now() < deadline;) {
		a.net->test(send, &done, nullptr);
		b.net->test(recv, &done, nullptr);
	}
	EXPECT_GT(fake_driver::count(0, FAKE_COUNT_PIECES), pieces) << "a copy is under way";
}

TEST_F(Cuda, ThePcieFlagIsAskedForAndNotInsistedOn)
{
	for (long refusal : {0, 1, 801}) {
		long exports = fake_driver::count(0, FAKE_COUNT_EXPORTS), pcie = fake_driver::count(0, FAKE_COUNT_PCIE_EXPORTS);
		fake_driver::set(-1, FAKE_PCIE_FLAG, refusal);
		Side a(on(0)), b(on(1));
		Link link(a, 0, b, 0);
		link.transfer(100'000);
		EXPECT_EQ(refusal ? 0 : fake_driver::count(0, FAKE_COUNT_EXPORTS) - exports, fake_driver::count(0, FAKE_COUNT_PCIE_EXPORTS) - pcie);
		EXPECT_EQ("", warnings());
	}
}

TEST_F(Cuda, AnExportRefusedIsReceivedByWayOfHostMemory)
{
	environment("cuda", false);
	Side a(on(0)), b(on(1));
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listener;
	fake_driver::set(0, FAKE_EXPORT, 801);
	ASSERT_EQ(ncclSuccess, b.listen(handle, &listener)); // here the pool is made
	fake_driver::set(0, FAKE_EXPORT, 0);
	EXPECT_TRUE(warned("CUDA device 0 does not export")) << warnings();
	EXPECT_TRUE(warned("operation not supported (801")) << warnings();
	EXPECT_TRUE(warned("receive to host memory")) << warnings();
	EXPECT_EQ(0u, bound_queues(1));
	Link link(a, 0, b, 0);
	link.transfer(500'000);
	EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
	environment("cuda", true);
	Side strict(on(1));
	fake_driver::set(0, FAKE_EXPORT, 801);
	EXPECT_EQ(ncclSystemError, strict.listen(handle, &listener));
}

TEST_F(Cuda, NoMemoryForThePoolIsReceivedByWayOfHostMemory)
{
	environment("cuda", false);
	fake_driver::set(0, FAKE_MEMORY_MB, 6);
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	EXPECT_TRUE(warned("cuMemAlloc of 8388608 bytes: out of memory")) << warnings();
	link.transfer(500'000);
}

class Unusable : public Cuda {
protected:
	// With cuda wished for it is an error that says `why`; with auto, host memory.
	void refused(const std::string &why)
	{
		environment("cuda", false);
		{
			Side side(on(1), ncclSystemError);
			EXPECT_TRUE(warned(why)) << warnings();
		}
		environment("auto", true);
		clear_logs();
		{
			Side side(on(1), ncclSystemError);
			EXPECT_TRUE(warned("required")) << warnings();
			EXPECT_TRUE(warned(why)) << warnings();
		}
		environment("auto", false);
		clear_logs();
		Side a(on(0)), b(on(1));
		EXPECT_EQ(NCCL_PTR_HOST, a.properties().ptrSupport);
		EXPECT_NE(std::string::npos, infos().find(why)) << infos();
		Pair pair(a, b);
		host_transfer(a, b, pair);
	}
};

TEST_F(Unusable, NoDmabufSupport)
{
	fake_driver::set(-1, FAKE_DMABUF, 0);
	refused("open kernel modules");
}

TEST_F(Unusable, NoOrderAndNoFlush)
{
	fake_driver::set(-1, FAKE_ORDERING, 0);
	fake_driver::set(-1, FAKE_FLUSH_OPTIONS, 0);
	refused("offers no flush");
}

TEST_F(Unusable, NoDevice)
{
	contexts = nullptr; // the application has none either
	fake_driver::set(-1, FAKE_DEVICES, 0);
	auto host = [](int n) { return [n] { enter_host(n); }; };
	environment("cuda", false);
	{
		Side side(host(1), ncclSystemError);
		EXPECT_TRUE(warned("no CUDA-capable device")) << warnings();
	}
	environment("auto", false);
	Side a(host(0)), b(host(1));
	EXPECT_EQ(NCCL_PTR_HOST, a.properties().ptrSupport);
	Pair pair(a, b);
	host_transfer(a, b, pair);
}

TEST_F(Unusable, NoStream)
{
	fake_driver::set(0, FAKE_FAIL_STREAM, 1);
	Side side(on(1), ncclSystemError);
	EXPECT_TRUE(warned("CUDA device 0: cuStreamCreate: out of memory")) << warnings();
}

TEST_F(Unusable, ASecondDeviceWithoutDmabufsUsesHostMemory)
{
	fake_driver::set(1, FAKE_DMABUF, 0);
	environment("cuda", true);
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listener, *mhandle = nullptr;
	{
		Side strict(on(1, 0));
		strict.enter = on(1, 1);
		EXPECT_EQ(ncclSystemError, strict.listen(handle, &listener));
		EXPECT_TRUE(warned("CUDA device 1 has no dmabuf support")) << warnings();
	}
	clear_logs();
	environment("auto", false);
	Side a(on(0, 0)), b(on(1, 0));
	b.enter = on(1, 1);
	Pair pair(a, b);
	EXPECT_TRUE(warned("connections for CUDA device 1 use host memory")) << warnings();
	host_transfer(a, b, pair);
	EXPECT_EQ(ncclInvalidArgument, b.net->regMr(pair.recv, &handle, 128, NCCL_PTR_CUDA, &mhandle));
	b.enter = on(1, 0);
	Link link(a, 0, b, 0);
	link.transfer(100'000);
}

using Failure = Cuda;

TEST_F(Failure, OfACopyEndsItsConnectionAndNoOther)
{
	Side a(on(0)), b(on(1));
	Link survivor(a, 0, b, 0);
	unsigned int ended = 0;
	for (long turn : {1, 2, 3, 8}) {
		Link victim(a, 0, b, 0);
		fake_driver::set(0, FAKE_COPY_ERROR, turn % 2 ? 1 : 2);
		ncclResult_t result = victim.ends_with([&] { fake_driver::set(0, FAKE_FAIL_COPY, turn); });
		bool failed = fake_driver::get(0, FAKE_FAIL_COPY) == 0; // else there were fewer copies
		fake_driver::set(0, FAKE_FAIL_COPY, 0);
		EXPECT_EQ(failed, result != ncclSuccess);
		ended += failed;
		survivor.transfer(200'000);
	}
	EXPECT_GT(ended, 0u);
	EXPECT_TRUE(warned("CUDA device 0: cuMemcpy")) << warnings();
	Link next(a, 0, b, 0);
	next.transfer(200'000);
}

TEST_F(Failure, OfAFlushEndsItsConnectionAndNoOther)
{
	fake_driver::set(0, FAKE_ORDERING, 0);
	Side a(on(0)), b(on(1));
	Link survivor(a, 0, b, 0), victim(a, 0, b, 0);
	ncclResult_t result = victim.ends_with([] { fake_driver::set(0, FAKE_FLUSH, 999); });
	EXPECT_NE(ncclSuccess, result);
	EXPECT_TRUE(warned("CUDA device 0: cuFlushGPUDirectRDMAWrites: unknown error (999)")) << warnings();
	fake_driver::set(0, FAKE_FLUSH, 0);
	survivor.transfer(200'000);
	EXPECT_EQ(0, fake_driver::count(0, FAKE_COUNT_UNFLUSHED));
}

TEST_F(Failure, OfTheContextEndsWhatCopiesOnThisDeviceOnly)
{
	Side a(on(0)), b(on(1));
	Link victim(a, 0, b, 0);
	Pair host(a, b);
	a.enter = on(0, 1);
	b.enter = on(1, 1);
	Link other(a, 1, b, 1);
	host_transfer(a, b, host);
	other.transfer(100'000);
	ncclResult_t result = victim.ends_with([] { fake_driver::set(0, FAKE_STICKY_COPY, 1); });
	EXPECT_EQ(ncclSystemError, result);
	EXPECT_TRUE(warned("illegal memory access was encountered (700); the process can copy nothing more on this device")) << warnings();
	host_transfer(a, b, host);
	other.transfer(1 << 20);
}

// Several messages under way on one connection, until all are done or one has failed.
struct Traffic {
	static constexpr size_t kMessages = 8, kSize = 200'000;
	Traffic(Side &a, Side &b, uint64_t position) : link(a, 0, b, 0, kMessages * kSize), position(position)
	{
		link.out.put_pattern(0, position, kMessages * kSize);
	}
	bool post(size_t m)
	{
		void *data = link.in.addr() + m * kSize;
		size_t size = kSize;
		int tag = 0;

		posted[m] = true;
		return link.b.net->irecv(link.pair.recv, 1, &data, &size, &tag, &link.in_handle, nullptr, &recvs[m]) == ncclSuccess &&
		       link.a.net->isend(link.pair.send, link.out.addr() + m * kSize, kSize, 0, link.out_handle, nullptr, &sends[m]) == ncclSuccess;
	}
	static bool test(Side &side, void **request, bool *done)
	{
		int now_done = 0;

		if (!*request)
			return true;
		bool good = side.net->test(*request, &now_done, nullptr) == ncclSuccess;
		if (now_done)
			*request = nullptr;
		*done |= now_done != 0;
		return good;
	}
	void step()
	{
		bool sent = false;

		for (size_t m = 0; m < kMessages && !failed; m++)
			failed = (!posted[m] && !post(m)) || !test(link.a, &sends[m], &sent) || !test(link.b, &recvs[m], &received[m]);
	}
	bool over() const
	{
		bool all = true;

		for (size_t m = 0; m < kMessages; m++)
			all &= received[m] && !sends[m];
		return all || failed;
	}
	// How many messages are called done; each is right.
	unsigned int right()
	{
		unsigned int n = 0;

		for (size_t m = 0; m < kMessages; m++) {
			if (!received[m])
				continue;
			EXPECT_EQ(0u, link.in.wrong(m * kSize, position + m * kSize, kSize)) << "message " << m;
			n++;
		}
		return n;
	}
	Link link;
	uint64_t position;
	void *sends[kMessages] = {}, *recvs[kMessages] = {};
	bool posted[kMessages] = {}, received[kMessages] = {}, failed = false;
};

// Each connection ends right or with an error, none hangs, and what was called done is right.
TEST_F(Failure, OfAnythingAtAnyTimeIsNoHangAndNoWrongByte)
{
	constexpr enum fake_knob knobs[] = {FAKE_FAIL_COPY, FAKE_FAIL_COPY, FAKE_FAIL_RECORD, FAKE_FAIL_QUERY, FAKE_FLUSH, FAKE_BATCH};
	unsigned int seed = 1, right = 0, ended = 0;

	environment("cuda", false);
	for (int round = 0; round < 40 && !HasFailure(); round++) {
		SCOPED_TRACE("round " + std::to_string(round));
		clear_logs();
		fake_driver::reset();
		fake_driver::set(0, FAKE_ORDERING, rand_r(&seed) % 2 ? 100 : 0);
		fake_driver::set(0, FAKE_COPY_ERROR, rand_r(&seed) % 2 + 1);
		fake_driver::set(0, FAKE_FAIL_PIN, rand_r(&seed) % 3);
		Side a(on(0)), b(on(1));
		alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
		void *listener;
		fake_driver::set(0, FAKE_EXPORT, rand_r(&seed) % 3 ? 0 : 801); // at times by way of host memory
		ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
		fake_driver::set(0, FAKE_EXPORT, 0);
		EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
		Traffic first(a, b, static_cast<uint64_t>(round) * 1000), second(a, b, static_cast<uint64_t>(round) * 1000 + 77);
		enum fake_knob knob = knobs[static_cast<size_t>(rand_r(&seed)) % std::size(knobs)];
		fake_driver::set(0, FAKE_DELAY_US, rand_r(&seed) % 500);
		fake_driver::set(0, knob, knob == FAKE_FLUSH || knob == FAKE_BATCH ? 999 : rand_r(&seed) % 12 + 1);
		for (double deadline = now() + 30; !first.over() || !second.over();) {
			first.step();
			second.step();
			ASSERT_LT(now(), deadline) << "a hang\n" << warnings();
		}
		fake_driver::set(0, knob, 0);
		right += first.right() + second.right();
		ended += first.failed + second.failed;
		if (first.failed || second.failed) {
			EXPECT_TRUE(warned("CUDA device 0: cu")) << warnings();
		}
	}
	EXPECT_GT(right, 100u);
	EXPECT_GT(ended, 5u);
}

TEST_F(Failure, OfEventsMakesNothingWrong)
{
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	fake_driver::set(-1, FAKE_DELAY_US, 1000);
	for (enum fake_knob knob : {FAKE_FAIL_RECORD, FAKE_FAIL_QUERY}) {
		for (long turn = 1; turn < 6; turn++) {
			fake_driver::set(0, knob, turn);
			link.transfer(300'000);
		}
	}
	EXPECT_EQ("", warnings());
}

TEST_F(Failure, OfBatchesIsMadeUpForBySingleCopies)
{
	fake_driver::set(-1, FAKE_BATCH, 801);
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	link.transfer(1 << 20);
	EXPECT_EQ("", warnings());
}

} // namespace

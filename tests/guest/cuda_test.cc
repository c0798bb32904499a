// SPDX-License-Identifier: BSD-3-Clause
// The plugin with CUDA memory from end to end, on the stand-in driver of tests/fake: several devices, late copies, ways that are refused.
#include <fstream>
#include <thread>

#include "cuda_link.h"

namespace {

constexpr unsigned int kQueues = 8;

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

} // namespace

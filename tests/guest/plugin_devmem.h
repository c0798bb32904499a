// SPDX-License-Identifier: BSD-3-Clause
// Two ends of the plugin on two hosts of the guest, with device memory registered: what its tests share.
#pragma once

#include <arpa/inet.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/plugin_harness.h"
#include "devmem_wire.h"
#include "testnet.h"

using namespace harness;

namespace {

constexpr unsigned int kQueues = 8;

[[maybe_unused]] void set_environment(bool require)
{
	setenv("NCCL_DEVMEM_IFNAME", "=dm0", 1);
	setenv("NCCL_SOCKET_FAMILY", "AF_INET", 1);
	setenv("NCCL_DEVMEM_MEMORY", devmem_mem_kind_name(test_memory()), 1);
	setenv("NCCL_DEVMEM_POOL_MB", "8", 1);
	setenv("NCCL_DEVMEM_REQUIRE", require ? "1" : "0", 1);
}

// How many rx queues of dm0 are bound to device memory, and how many steering rules there are.
[[maybe_unused]] unsigned int bound_queues(int host)
{
	unsigned int ifindex = dm0_index(host), n = 0;

	for (unsigned int queue = 0; queue < kQueues; queue++) {
		uint32_t id = 0;
		EXPECT_EQ(0, devmem_queue_binding(ifindex, queue, &id, nullptr));
		n += id != 0;
	}
	return n;
}

[[maybe_unused]] int rules(int host)
{
	enter_host(host);
	return devmem_rule_list("dm0", nullptr, 0, nullptr);
}

[[maybe_unused]] unsigned int open_descriptors()
{
	unsigned int n = 0;

	for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
		n += !entry.path().empty();
	return n;
}

[[maybe_unused]] std::function<void()> on(int host)
{
	return [host] {
		std::string metrics = host == 0 ? "/tmp/sender" : "/tmp/receiver";
		mkdir(metrics.c_str(), 0777);
		setenv("NCCL_DEVMEM_METRICS", metrics.c_str(), 1);
		enter_host(host);
	};
}

// A counter that the plugin of one end has written: both ends are one process, so each has a folder of its own.
[[maybe_unused]] double metric(const std::string &end, const std::string &name)
{
	std::ifstream file("/tmp/" + end + "/devmem-" + std::to_string(getpid()) + ".prom");
	std::string line;

	while (std::getline(file, line))
		if (line.compare(0, name.size(), name) == 0 && line[name.size()] == ' ')
			return std::stod(line.substr(name.size()));
	ADD_FAILURE() << "no metric " << name;
	return -1;
}

class Devmem : public testing::Test {
protected:
	void SetUp() override
	{
		clear_logs();
		set_environment(true);
	}
};

// The same over IPv6.
class DevmemV6 : public Devmem {
protected:
	void SetUp() override
	{
		Devmem::SetUp();
		setenv("NCCL_SOCKET_FAMILY", "AF_INET6", 1);
	}
};

// Device memory of one end, registered with its comm.
struct Buffer {
	Buffer(Side &side, void *comm, size_t size) : side(side), comm(comm), memory(size)
	{
		int fd = dup(memory.mem->dmabuf_fd);

		side.enter();
		EXPECT_EQ(ncclSuccess, side.net->regMrDmaBuf(comm, memory.addr(), size, NCCL_PTR_CUDA, 0, fd, &mhandle)) << warnings();
		close(fd);	// as NCCL does
	}
	void deregister()
	{
		side.enter();
		EXPECT_EQ(ncclSuccess, side.net->deregMr(comm, mhandle));
	}
	Side &side;
	void *comm;
	DeviceMemory memory;
	void *mhandle = nullptr;
};

struct DevicePair {
	explicit DevicePair(size_t size) : a(on(0)), b(on(1)), pair(a, b), out(a, pair.send, size), in(b, pair.recv, size) {}
	~DevicePair()
	{
		out.deregister();
		in.deregister();
	}
	void transfer(size_t size, size_t room, size_t offset)
	{
		void *send = nullptr, *recv = nullptr, *data = in.memory.addr() + offset;
		int tag = 0, got = -1;

		out.memory.put_pattern(offset, size, size);
		ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &room, &tag, &in.mhandle, nullptr, &recv));
		ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, out.memory.addr() + offset, size, 0, out.mhandle, nullptr, &send));
		wait_both(a, send, b, recv, &got);
		ASSERT_EQ(static_cast<int>(size), got);
		ASSERT_EQ(0u, in.memory.wrong(offset, size, size)) << size << " bytes at " << offset;
	}
	Side a, b;
	Pair pair;
	Buffer out, in;
};

} // namespace

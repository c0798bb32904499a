// SPDX-License-Identifier: BSD-3-Clause
// The plugin on interfaces that stand on a NIC: VLAN, bond, macvlan and bridge. Received bytes reach device memory by the NIC below.
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/plugin_harness.h"
#include "testnet.h"

using namespace harness;

namespace {

std::function<void()> on(int host)
{
	return [host] {
		std::string metrics = "/tmp/metrics" + std::to_string(host);
		mkdir(metrics.c_str(), 0777);
		setenv("NCCL_DEVMEM_METRICS", metrics.c_str(), 1);
		enter_host(host);
	};
}

double received(const std::string &path)
{
	std::ifstream file("/tmp/metrics1/devmem-" + std::to_string(getpid()) + ".prom");
	std::string line, name = "devmem_rx_bytes_total{path=\"" + path + "\"} ";

	while (std::getline(file, line))
		if (line.compare(0, name.size(), name) == 0)
			return std::stod(line.substr(name.size()));
	ADD_FAILURE() << "no metric " << name;
	return -1;
}

// How the interface up0 is made on top of dm0, and whether dm0 becomes a member of it.
struct Kind {
	const char *name;
	std::vector<std::string> make;
	bool member;
};

void PrintTo(const Kind &kind, std::ostream *out) { *out << kind.name; }

class Upper : public testing::TestWithParam<Kind> {
protected:
	void SetUp() override
	{
		clear_logs();
		setenv("NCCL_DEVMEM_IFNAME", "=up0", 1);
		setenv("NCCL_DEVMEM_MEMORY", devmem_mem_kind_name(test_memory()), 1);
		setenv("NCCL_DEVMEM_POOL_MB", "8", 1);
		for (int host = 0; host < 2; host++) {
			for (const std::string &command : GetParam().make)
				on_host(host, command);
			on_host(host, "ip addr add 10.77.0." + std::to_string(host + 1) + "/24 dev up0");
			on_host(host, "ip addr add fd77::" + std::to_string(host + 1) + "/64 dev up0 nodad");
			on_host(host, "ip link set up0 up");
			if (GetParam().member)
				on_host(host, "ip link set dm0 up");
		}
		for (int host = 0; host < 2; host++)
			on_host(host, "timeout 20 sh -c 'until ip link show up0 | grep -q LOWER_UP; do sleep 0.1; done'");
	}
	void TearDown() override
	{
		for (int host = 0; host < 2; host++) {
			on_host(host, "ip link del up0");
			on_host(host, "ip link set dm0 up");
		}
	}
	// Sends from device memory to device memory by up0; how many bytes the NIC of host 1 wrote there.
	uint64_t transfer(const char *family, size_t size)
	{
		uint64_t before = nic_counter(1, "rx_devmem_bytes");

		setenv("NCCL_SOCKET_FAMILY", family, 1);
		{
			Side a(on(0)), b(on(1));
			EXPECT_STREQ("up0", b.properties().name);
			{
				Pair pair(a, b);
				move(pair, size);
			}
		}
		return nic_counter(1, "rx_devmem_bytes") - before;
	}

private:
	void move(Pair &pair, size_t size)
	{
		DeviceMemory out(size), in(size);
		void *out_handle = nullptr, *in_handle = nullptr, *send = nullptr, *recv = nullptr, *data = in.addr();
		size_t room = size;
		int tag = 0, got = -1;

		pair.from.enter();
		ASSERT_EQ(ncclSuccess, pair.from.net->regMrDmaBuf(pair.send, out.addr(), size, NCCL_PTR_CUDA, 0, out.mem->dmabuf_fd, &out_handle))
			<< warnings();
		pair.to.enter();
		ASSERT_EQ(ncclSuccess, pair.to.net->regMrDmaBuf(pair.recv, in.addr(), size, NCCL_PTR_CUDA, 0, in.mem->dmabuf_fd, &in_handle))
			<< warnings();
		out.put_pattern(0, 5, size);
		ASSERT_EQ(ncclSuccess, pair.to.net->irecv(pair.recv, 1, &data, &room, &tag, &in_handle, nullptr, &recv));
		ASSERT_EQ(ncclSuccess, pair.from.net->isend(pair.send, out.addr(), size, 0, out_handle, nullptr, &send));
		wait_both(pair.from, send, pair.to, recv, &got);
		EXPECT_EQ(static_cast<int>(size), got);
		EXPECT_EQ(0u, in.wrong(0, 5, size));
		pair.from.enter();
		EXPECT_EQ(ncclSuccess, pair.from.net->deregMr(pair.send, out_handle));
		pair.to.enter();
		EXPECT_EQ(ncclSuccess, pair.to.net->deregMr(pair.recv, in_handle));
	}
};

TEST_P(Upper, ReceivesToDeviceMemoryByTheNicBelow)
{
	constexpr size_t kSize = 3'000'003;

	for (const char *family : {"AF_INET", "AF_INET6"}) {
		EXPECT_GE(transfer(family, kSize), kSize) << family;
		EXPECT_EQ(static_cast<double>(kSize), received("device")) << family;
		EXPECT_EQ(0, received("plain")) << family;
	}
}

TEST_P(Upper, SaysWhyItDoesNotSendFromDeviceMemory)
{
	transfer("AF_INET", 1000);
	EXPECT_NE(std::string::npos, warnings().find("falling back to: receive to device memory, send by way of host memory")) << warnings();
	EXPECT_NE(std::string::npos, warnings().find("on top of dm0")) << warnings();
}

INSTANTIATE_TEST_SUITE_P(Kinds, Upper,
			 testing::Values(Kind{"vlan", {"ip link add link dm0 name up0 type vlan id 5"}, false},
					 Kind{"macvlan", {"ip link add link dm0 name up0 type macvlan mode bridge"}, false},
					 Kind{"bond",
					      {"ip link add up0 type bond mode active-backup miimon 10", "ip link set dm0 down", "ip link set dm0 master up0"},
					      true},
					 Kind{"balanced_bond_of_one",
					      {"ip link add up0 type bond mode balance-rr miimon 10", "ip link set dm0 down", "ip link set dm0 master up0"},
					      true},
					 Kind{"bridge", {"ip link add up0 type bridge", "ip link set dm0 master up0"}, true}),
			 [](const testing::TestParamInfo<Kind> &info) { return std::string(info.param.name); });

// Two NICs that share a bond's traffic: no single one can be bound.
TEST(Spread, ABalancedBondOfTwoIsPlainTcpAndSaysWhatToDo)
{
	clear_logs();
	setenv("NCCL_DEVMEM_IFNAME", "=up0", 1);
	setenv("NCCL_SOCKET_FAMILY", "AF_INET", 1);
	setenv("NCCL_DEVMEM_MEMORY", devmem_mem_kind_name(test_memory()), 1);
	on_host(0, "ip link add up0 type bond mode balance-rr miimon 10");
	on_host(0, "ip link add spare type dummy");
	for (const char *member : {"dm0", "spare"}) {
		on_host(0, std::string("ip link set ") + member + " down");
		on_host(0, std::string("ip link set ") + member + " master up0");
	}
	on_host(0, "ip addr add 10.77.0.1/24 dev up0");
	on_host(0, "ip link set up0 up");
	on_host(0, "timeout 20 sh -c 'until ip link show up0 | grep -q LOWER_UP; do sleep 0.1; done'");
	{
		Side a(on(0));
	}
	// The dummy is no NIC; dm0 alone counts.
	EXPECT_EQ(std::string::npos, warnings().find("several NICs")) << warnings();
	clear_logs();
	on_host(0, "ip link set spare nomaster");
	on_host(0, "ip link set spare up");
	on_host(0, "ip link add link spare name spare.1 type vlan id 1");
	on_host(0, "ip link set spare.1 master up0");
	{
		Side a(on(0));
	}
	EXPECT_NE(std::string::npos, warnings().find("up0: traffic of up0 may come by several NICs")) << warnings();
	EXPECT_NE(std::string::npos, warnings().find("active-backup")) << warnings();
	on_host(0, "ip link del up0");
	on_host(0, "ip link del spare");
	on_host(0, "ip link set dm0 up");
}

} // namespace

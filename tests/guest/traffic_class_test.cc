// SPDX-License-Identifier: BSD-3-Clause
// The traffic class on every socket of a connection that has a data stream, in both families.
#include <dirent.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "../host/plugin_harness.h"
#include "testnet.h"

using namespace harness;

namespace {

// How many connected sockets of this process there are, and how many of them send with `wanted`.
struct Sockets {
	explicit Sockets(int wanted)
	{
		DIR *dir = opendir("/proc/self/fd");

		while (dirent *entry = readdir(dir)) {
			int fd = atoi(entry->d_name), value = -1;
			sockaddr_storage peer = {};
			socklen_t length = sizeof(peer), size = sizeof(value);

			if (getpeername(fd, reinterpret_cast<sockaddr *>(&peer), &length) ||
			    (peer.ss_family != AF_INET && peer.ss_family != AF_INET6))
				continue;
			bool v6 = peer.ss_family == AF_INET6;
			EXPECT_EQ(0, getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &value, &size));
			all++;
			marked += value == wanted;
		}
		closedir(dir);
	}
	int all = 0, marked = 0;
};

class TrafficClass : public testing::TestWithParam<const char *> {};

TEST_P(TrafficClass, MarksControlAndDataAtBothEnds)
{
	clear_logs();
	setenv("NCCL_DEVMEM_IFNAME", "=dm0", 1);
	setenv("NCCL_SOCKET_FAMILY", GetParam(), 1);
	setenv("NCCL_DEVMEM_MEMORY", devmem_mem_kind_name(test_memory()), 1);
	setenv("NCCL_DEVMEM_POOL_MB", "8", 1);
	setenv("NCCL_DEVMEM_REQUIRE", "1", 1);
	setenv("NCCL_DEVMEM_TRAFFIC_CLASS", "106", 1);	// DSCP 26 (AF31); the lower two bits are TCP's
	Sockets before(104);
	Side a([] { enter_host(0); }), b([] { enter_host(1); });
	Pair pair(a, b);
	Sockets during(104);

	EXPECT_LE(4, during.all - before.all) << "control and data, at both ends";
	EXPECT_EQ(during.all - before.all, during.marked - before.marked);
	EXPECT_EQ("", warnings());
}

INSTANTIATE_TEST_SUITE_P(Families, TrafficClass, testing::Values("AF_INET", "AF_INET6"),
			 [](const testing::TestParamInfo<const char *> &info) { return std::string(info.param); });

} // namespace

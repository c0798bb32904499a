// SPDX-License-Identifier: BSD-3-Clause
// What NCCL is told of several devices: names, ports that are shared and that are not, PCI paths, speeds.
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <map>

#include "../host/plugin_harness.h"
#include "testnet.h"

using namespace harness;

namespace {

std::map<std::string, ncclNetProperties_v11_t> devices(Side &side)
{
	std::map<std::string, ncclNetProperties_v11_t> found;
	int n = 0;

	EXPECT_EQ(ncclSuccess, side.net->devices(&n));
	for (int dev = 0; dev < n; dev++) {
		ncclNetProperties_v11_t properties = side.properties(dev);
		EXPECT_EQ(1, properties.vProps.ndevs);
		EXPECT_EQ(dev, properties.vProps.devs[0]);
		EXPECT_GT(properties.speed, 0);
		EXPECT_EQ(0u, found.count(properties.name)) << properties.name << ": names key NCCL's topology";
		found[properties.name] = properties;
	}
	return found;
}

TEST(Devices, ShareAGuidExactlyWhenTheyShareANic)
{
	if (dm0_index(0) == 0)
		GTEST_SKIP() << "no host0 with dm0";
	clear_logs();
	setenv("NCCL_DEVMEM_IFNAME", "dm", 1);
	setenv("NCCL_SOCKET_FAMILY", "AF_INET", 1);
	setenv("NCCL_DEVMEM_MEMORY", "host", 1);
	for (const char *id : {"5", "6"}) {
		on_host(0, std::string("ip link add link dm0 name dm0.") + id + " type vlan id " + id);
		on_host(0, std::string("ip addr add 10.77.") + id + ".1/24 dev dm0." + id);
		on_host(0, std::string("ip link set dm0.") + id + " up");
	}
	{
		Side side([] { enter_host(0); });
		auto found = devices(side);
		ASSERT_EQ(1u, found.count("dm0"));
		ASSERT_EQ(1u, found.count("dm1")) << "run with --nics 2";
		ASSERT_EQ(4u, found.size());
		EXPECT_EQ(found["dm0"].guid, found["dm0.5"].guid);
		EXPECT_EQ(found["dm0"].guid, found["dm0.6"].guid);
		EXPECT_NE(found["dm0"].guid, found["dm1"].guid);
		EXPECT_EQ(nullptr, found["dm0"].pciPath) << "dmnic is no PCI device";
	}
	on_host(0, "ip link del dm0.5");
	on_host(0, "ip link del dm0.6");
}

// sysfs here is of the namespace that this program starts in.
TEST(Devices, HaveThePathOfTheirPciDevice)
{
	clear_logs();
	setenv("NCCL_DEVMEM_IFNAME", "^nosuch", 1);
	setenv("NCCL_SOCKET_FAMILY", "AF_INET", 1);
	setenv("NCCL_DEVMEM_MEMORY", "host", 1);
	Side side;
	unsigned int on_pci = 0;

	for (auto &[name, properties] : devices(side)) {
		char real[PATH_MAX];
		std::string link = "/sys/class/net/" + name + "/device";
		if (!realpath(link.c_str(), real) || !strstr(real, "/pci")) {
			EXPECT_EQ(nullptr, properties.pciPath) << name;
			continue;
		}
		on_pci++;
		ASSERT_NE(nullptr, properties.pciPath) << name << ": " << real;
		// A virtio device lies below the PCI device.
		EXPECT_EQ(0, std::string(real).compare(0, strlen(properties.pciPath), properties.pciPath)) << real << " " << properties.pciPath;
		EXPECT_TRUE(std::ifstream(std::string(properties.pciPath) + "/vendor").good()) << properties.pciPath;
	}
	if (!on_pci)
		GTEST_SKIP() << "no interface with an address is a PCI device here";
}

} // namespace

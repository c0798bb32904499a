// SPDX-License-Identifier: BSD-3-Clause
// How devmemctl check judges what it has seen: one thing is wrong at a time, and is named with what mends it.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <unistd.h>

#include "finding.h"
#include "uapi/devmem_uapi.h"

namespace {

template <size_t N> void put(char (&to)[N], const char *text) { snprintf(to, N, "%s", text); }

void one_good_nic(nic_facts &nic)
{
	put(nic.nic.name, "eth1");
	put(nic.nic.ifname, "eth1");
	nic.nic.addr.ss_family = AF_INET;
	nic.nic.mtu = 4148;
	nic.nic.rx_queues = 16;
	nic.nic.speed_mbps = 100000;
	nic.caps.net_admin = nic.caps.bind_rx = nic.caps.netmem_rx = nic.caps.bind_tx = nic.caps.netmem_tx = true;
	nic.caps.header_split = nic.caps.ntuple = true;
	nic.rings_told = nic.steering.there = nic.steering.on = nic.combined = true;
	nic.rings.tcp_data_split = DEVMEM_TCP_DATA_SPLIT_ENABLED;
	nic.steering.slots = 1024;
	nic.max_queues = 32;
	nic.spread_queues = 8;
	nic.free = 8;
	nic.plan.rx = PLAN_RX_HOST; // as if what each test breaks kept it from more
}

std::unique_ptr<facts> all_good()
{
	auto good = std::make_unique<facts>();
	put(good->kernel.release, "6.16.1");
	good->kernel.bind_rx = good->kernel.bind_tx = true;
	good->privilege.net_admin = good->privilege.root = true;
	put(good->privilege.user, "ann");
	put(good->privilege.broker_path, "/run/devmemd/socket");
	good->memory.kind = DEVMEM_MEM_UDMABUF;
	good->memory.usable = true;
	good->memory.bytes = 64 << 20;
	put(good->memory.why.text, "why not");
	put(good->no_nic.text, "why not");
	put(good->privilege.broker_said.text, "why not");
	good->n_nics = 1;
	one_good_nic(good->nics[0]);
	good->firewall.looked = true;
	good->firewall.first_port = 32768;
	good->firewall.last_port = 60999;
	put(good->nccl.path, "/usr/lib/libnccl.so.2");
	put(good->nccl.plugin, "/usr/lib/libnccl-net-devmem.so");
	good->nccl.version = 22809;
	good->nccl.lowest_abi = 6;
	good->nccl.highest_abi = 12;
	good->net_plugin.value = "devmem";
	return good;
}

struct Judged {
	explicit Judged(const facts &seen) { EXPECT_EQ(0, findings_of(&seen, &all)); }
	~Judged() { free(all.list); }
	const finding *of(const std::string &check) const
	{
		for (unsigned int i = 0; i < all.n; i++)
			if (check == all.list[i].check)
				return &all.list[i];
		return nullptr;
	}
	findings all = {};
};

struct Case {
	const char *what;
	std::function<void(facts &)> breaks;
	const char *check;
	finding_level level;
	const char *mend;   // "" when there is no command
	const char *advice; // a part of it
	bool root, safe;
};

const Case kCases[] = {
	{"an old kernel", [](facts &f) { put(f.kernel.release, "6.1.0-18-amd64"); f.kernel.bind_rx = f.nics[0].caps.bind_rx = false; }, "kernel-receive",
	 FINDING_FAIL, "apt-get install linux-image-6.12-amd64", "CONFIG_NET_DEVMEM", true, false},
	{"a kernel without the option", [](facts &f) { f.kernel.bind_rx = false; }, "kernel-receive", FINDING_FAIL, "", "CONFIG_NET_DEVMEM=y", false, false},
	{"a kernel that cannot send", [](facts &f) { f.kernel.bind_tx = f.nics[0].caps.bind_tx = false; }, "kernel-send", FINDING_WARN, "", "6.16", false, false},
	{"a user without a broker", [](facts &f) { f.privilege.net_admin = false; f.privilege.broker = BROKER_ABSENT; f.privilege.systemd = true; }, "privilege",
	 FINDING_FAIL, "systemctl enable --now devmemd.socket", "CAP_NET_ADMIN", true, false},
	{"the same without systemd", [](facts &f) { f.privilege.net_admin = false; f.privilege.broker = BROKER_ABSENT; put(f.tools, "/opt/"); }, "privilege", FINDING_FAIL,
	 "/opt/devmemd --socket /run/devmemd/socket --allow-user ann &", "docs/broker.md", true, false},
	{"a user whom the broker refuses", [](facts &f) { f.privilege.net_admin = false; f.privilege.broker = BROKER_REFUSES; }, "privilege", FINDING_FAIL,
	 "usermod -aG devmem ann", "log in anew", true, false},
	{"a broker that may not be asked", [](facts &f) { f.privilege.net_admin = false; }, "privilege", FINDING_FAIL, "unset NCCL_DEVMEM_BROKER", "", false, false},
	{"a broker that is named and absent", [](facts &f) { f.privilege.broker = BROKER_ABSENT; f.privilege.broker_named = f.privilege.systemd = true; put(f.privilege.broker_path, "/x"); },
	 "privilege", FINDING_FAIL, "devmemd --socket /x --allow-user ann &", "", true, false},
	{"no GPU", [](facts &f) { f.memory.kind = DEVMEM_MEM_CUDA; f.memory.usable = false; }, "device-memory", FINDING_FAIL, "", "open kernel modules", false, false},
	{"no udmabuf", [](facts &f) { f.memory.usable = false; f.memory.no_node = true; }, "device-memory", FINDING_FAIL, "modprobe udmabuf", "", true, true},
	{"a udmabuf for others", [](facts &f) { f.memory.usable = false; f.memory.node_refused = true; }, "device-memory", FINDING_FAIL, "chmod 666 /dev/udmabuf", "", true, false},
	{"a udmabuf that is too small", [](facts &f) { f.memory.usable = false; }, "device-memory", FINDING_FAIL, "echo 65 > /sys/module/udmabuf/parameters/size_limit_mb", "", true,
	 true},
	{"host memory, as asked for", [](facts &f) { f.memory.kind = DEVMEM_MEM_HOST; }, "device-memory", FINDING_FAIL, "unset NCCL_DEVMEM_MEMORY", "", false, false},
	{"no interface", [](facts &f) { f.n_nics = 0; f.ifname.value = "eth7"; }, "interface", FINDING_FAIL, "unset NCCL_SOCKET_IFNAME", "ip addr", false, false},
	{"a bond that balances", [](facts &f) { f.nics[0].caps.spread = true; }, "path", FINDING_FAIL, "", "active-backup", false, false},
	{"header split off", [](facts &f) { f.nics[0].caps.header_split = false; f.nics[0].rings.tcp_data_split = DEVMEM_TCP_DATA_SPLIT_DISABLED; put(f.tools, "/b/"); }, "header-split",
	 FINDING_FAIL, "/b/header-split eth1 on", "", true, true},
	{"header split of large packets", [](facts &f) { f.nics[0].caps.header_split = false; f.nics[0].rings.hds_thresh = 256; }, "header-split", FINDING_FAIL, "header-split eth1 on", "",
	 true, true},
	{"a driver without header split", [](facts &f) { f.nics[0].caps.header_split = false; f.nics[0].rings.tcp_data_split = DEVMEM_TCP_DATA_SPLIT_UNKNOWN; }, "header-split",
	 FINDING_FAIL, "", "docs/hardware.md", false, false},
	{"steering off", [](facts &f) { f.nics[0].steering.on = false; }, "steering", FINDING_FAIL, "ethtool -K eth1 ntuple on", "", true, true},
	{"a driver without steering", [](facts &f) { f.nics[0].steering.on = false; f.nics[0].ntuple_fixed = true; }, "steering", FINDING_FAIL, "", "docs/hardware.md", false, false},
	{"a driver without rules", [](facts &f) { f.nics[0].steering.there = false; }, "steering", FINDING_FAIL, "", "docs/hardware.md", false, false},
	{"a full table", [](facts &f) { f.nics[0].steering.rules = 1024; f.nics[0].steering.last = 1023; }, "rules", FINDING_FAIL, "ethtool -N eth1 delete 1023", "ethtool -n eth1", true, false},
	{"one queue", [](facts &f) { f.nics[0].nic.rx_queues = 1; f.nics[0].free = 0; f.nics[0].spread_queues = 1; }, "rx-queues", FINDING_FAIL,
	 "ethtool -L eth1 combined 16 && ethtool -X eth1 equal 8", "", true, false},
	{"a NIC of one queue", [](facts &f) { f.nics[0].nic.rx_queues = f.nics[0].max_queues = 1; f.nics[0].free = 0; }, "rx-queues", FINDING_FAIL, "", "docs/hardware.md", false,
	 false},
	{"RSS over all queues", [](facts &f) { f.nics[0].spread_queues = 16; f.nics[0].free = 0; }, "rx-queues", FINDING_FAIL, "ethtool -X eth1 equal 8", "", true, true},
	{"all queues of others", [](facts &f) { f.nics[0].spread_queues = 1; f.nics[0].bound = 15; f.nics[0].free = 0; f.nics[0].combined = false; }, "rx-queues", FINDING_FAIL,
	 "ethtool -L eth1 rx 32", "devmemctl lease", true, false},
	{"a small MTU", [](facts &f) { f.nics[0].nic.mtu = 1500; }, "mtu", FINDING_WARN, "ip link set dev eth1 mtu 4148", "every host", true, false},
	{"a jumbo MTU", [](facts &f) { f.nics[0].nic.mtu = 9000; }, "mtu", FINDING_WARN, "ip link set dev eth1 mtu 8244", "", true, false},
	{"IPv6", [](facts &f) { f.nics[0].nic.mtu = 1500; f.nics[0].nic.addr.ss_family = AF_INET6; }, "mtu", FINDING_WARN, "ip link set dev eth1 mtu 4168", "", true, false},
	{"a small MTU on a VLAN", [](facts &f) { f.nics[0].nic.mtu = 1500; put(f.nics[0].nic.ifname, "eth1.5"); }, "mtu", FINDING_WARN,
	 "ip link set dev eth1 mtu 4148 && ip link set dev eth1.5 mtu 4148", "", true, false},
	{"an interface on top", [](facts &f) { f.nics[0].caps.on_top = true; }, "driver-send", FINDING_WARN, "", "address of its own", false, false},
	{"a driver that cannot receive", [](facts &f) { f.nics[0].caps.netmem_rx = false; }, "driver-receive", FINDING_FAIL, "", "CONFIG_NET_DEVMEM", false, false},
	{"a driver that cannot send", [](facts &f) { f.nics[0].caps.netmem_tx = false; }, "driver-send", FINDING_WARN, "", "docs/hardware.md", false, false},
	{"a far GPU", [](facts &f) { put(f.nics[0].gpu, "0000:17:00.0"); f.nics[0].distance = PCI_SYS; }, "gpu-distance", FINDING_FAIL, "export NCCL_NET_GDR_LEVEL=SYS", "topo", false,
	 false},
	{"a firewall", [](facts &f) { put(f.firewall.chain, "inet filter input"); }, "firewall", FINDING_WARN, "nft insert rule inet filter input tcp dport 32768-60999 accept", "", true,
	 false},
	{"no NCCL", [](facts &f) { put(f.nccl.path, ""); }, "nccl", FINDING_WARN, "", "--nccl", false, false},
	{"an old NCCL", [](facts &f) { f.nccl.version = 21210; }, "nccl", FINDING_FAIL, "", "2.13", false, false},
	{"no plugin", [](facts &f) { f.nccl.highest_abi = 0; put(f.nccl.plugin_beside, "/b/lib"); }, "plugin", FINDING_FAIL,
	 "export LD_LIBRARY_PATH=/b/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}", "", false, false},
	{"no plugin asked for", [](facts &f) { f.net_plugin.value = nullptr; }, "NCCL_NET_PLUGIN", FINDING_FAIL, "export NCCL_NET_PLUGIN=devmem", "", false, false},
	{"another plugin first", [](facts &f) { f.net_plugin.value = "ofi,devmem"; }, "NCCL_NET_PLUGIN", FINDING_FAIL, "export NCCL_NET_PLUGIN=devmem", "", false, false},
	{"the same in a file", [](facts &f) { f.net_plugin.value = "none"; put(f.net_plugin.file, "/etc/nccl.conf"); }, "NCCL_NET_PLUGIN", FINDING_FAIL,
	 "sed -i 's/^NCCL_NET_PLUGIN=.*/NCCL_NET_PLUGIN=devmem/' /etc/nccl.conf", "", false, false},
	{"another network", [](facts &f) { f.net.value = "Socket"; }, "NCCL_NET", FINDING_FAIL, "unset NCCL_NET", "", false, false},
	{"the same in a file", [](facts &f) { f.net.value = "IB"; put(f.net.file, "/etc/nccl.conf"); }, "NCCL_NET", FINDING_FAIL, "sed -i '/^NCCL_NET=/d' /etc/nccl.conf", "", false, false},
	{"GPUs kept from NICs", [](facts &f) { f.gdr_level.value = "LOC"; }, "NCCL_NET_GDR_LEVEL", FINDING_FAIL, "unset NCCL_NET_GDR_LEVEL", "", false, false},
	{"no dmabufs", [](facts &f) { f.dmabuf_enable.value = "0"; }, "NCCL_DMABUF_ENABLE", FINDING_FAIL, "unset NCCL_DMABUF_ENABLE", "", false, false},
	{"plain TCP, as asked for", [](facts &f) { f.plan_host = true; }, "NCCL_DEVMEM_PLAN", FINDING_FAIL, "unset NCCL_DEVMEM_PLAN", "", false, false},
	{"values that cannot be", [](facts &f) { f.variables.n_invalid = 2; put(f.variables.invalid[0], "NCCL_DEVMEM_A"); put(f.variables.invalid[1], "NCCL_DEVMEM_B"); }, "variables",
	 FINDING_FAIL, "unset NCCL_DEVMEM_A NCCL_DEVMEM_B", "devmemctl params", false, false},
	{"a misspelt variable", [](facts &f) { f.variables.n_unknown = 1; put(f.variables.unknown[0], "NCCL_DEVMEM_QUEUE"); }, "misspelt", FINDING_WARN, "unset NCCL_DEVMEM_QUEUE", "", false,
	 false},
};

TEST(Check, AGoodMachineIsInOrder)
{
	Judged good(*all_good());

	EXPECT_EQ(FINDING_OK, findings_worst(&good.all));
	EXPECT_EQ(nullptr, findings_first(&good.all));
	EXPECT_STREQ("NCCL 2.28.9 (/usr/lib/libnccl.so.2) takes ncclNetPlugin_v11", good.of("nccl")->seen);
	EXPECT_STREQ("8 of 16 rx queues are free, a job takes 2", good.of("rx-queues")->seen);
}

TEST(Check, NamesTheOneThingThatIsWrong)
{
	for (const Case &one : kCases) {
		SCOPED_TRACE(one.what);
		auto seen = all_good();
		one.breaks(*seen);
		Judged judged(*seen);
		const finding *first = findings_first(&judged.all);
		ASSERT_NE(nullptr, first);
		EXPECT_STREQ(one.check, first->check);
		EXPECT_EQ(one.level, first->level);
		EXPECT_STREQ(one.mend, first->mend);
		EXPECT_NE(nullptr, strstr(first->advice, one.advice)) << first->advice;
		EXPECT_TRUE(*first->mend || *first->advice) << "nothing to do next";
		EXPECT_EQ(one.root, first->root);
		EXPECT_EQ(one.safe, first->safe);
		EXPECT_NE('\0', first->seen[0]);
		unsigned int others = 0;
		for (unsigned int i = 0; i < judged.all.n; i++)
			others += judged.all.list[i].level != FINDING_OK;
		EXPECT_EQ(1u, others) << "one cause, one finding";
	}
}

TEST(Check, ANicThatCannotIsLeftOutWhereAnotherCan)
{
	auto seen = all_good();
	seen->n_nics = 2;
	one_good_nic(seen->nics[1]);
	put(seen->nics[0].nic.ifname, "eth1.7");
	seen->nics[0].plan.rx = PLAN_RX_DEVICE;
	seen->nics[1].plan.rx = PLAN_RX_HOST;
	put(seen->nics[1].nic.name, "eth0");
	put(seen->nics[1].nic.ifname, "eth0");
	seen->nics[1].rings_told = seen->nics[1].caps.header_split = false;
	Judged judged(*seen);
	const finding *first = findings_first(&judged.all);

	ASSERT_NE(nullptr, first);
	EXPECT_EQ(FINDING_WARN, first->level);
	EXPECT_STREQ("eth0", first->nic);
	EXPECT_STREQ("export NCCL_DEVMEM_IFNAME==eth1.7", first->mend);
}

TEST(Check, WhatFailsComesBeforeWhatWarns)
{
	auto seen = all_good();
	seen->nics[0].nic.mtu = 1500;
	seen->net.value = "Socket";
	Judged judged(*seen);

	EXPECT_EQ(FINDING_FAIL, findings_worst(&judged.all));
	EXPECT_STREQ("NCCL_NET", findings_first(&judged.all)->check);
}

TEST(Check, EachNcclTakesTheInterfaceOfItsTime)
{
	const std::pair<int, const char *> releases[] = {{21304, "v6"}, {21903, "v7"}, {22005, "v8"},  {22503, "v9"},
							{22702, "v10"}, {22907, "v11"}, {23003, "v12"}};

	for (auto [version, abi] : releases) {
		auto seen = all_good();
		seen->nccl.version = version;
		std::string text = Judged(*seen).of("nccl")->seen;
		EXPECT_NE(std::string::npos, text.find(std::string("ncclNetPlugin_") + abi)) << text;
	}
}

TEST(Check, APluginMayBeNamedInSeveralWays)
{
	for (const char *value : {"devmem", "libnccl-net-devmem.so", "/opt/lib/libnccl-net-devmem.so", "devmem,ofi"}) {
		auto seen = all_good();
		seen->net_plugin.value = value;
		EXPECT_EQ(FINDING_OK, Judged(*seen).of("NCCL_NET_PLUGIN")->level) << value;
	}
	for (const char *value : {"", "devmem2", "/devmem/libnccl-net-ofi.so", "none"}) {
		auto seen = all_good();
		seen->net_plugin.value = value;
		EXPECT_EQ(FINDING_FAIL, Judged(*seen).of("NCCL_NET_PLUGIN")->level) << value;
	}
}

TEST(CheckPci, DistanceIsThatOfNccl)
{
	const char *nic = "/sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/0000:18:00.0/0000:19:00.0";
	const char *same_switch = "/sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/0000:18:01.0/0000:1a:00.0";
	const char *next_switch = "/sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/0000:18:02.0/0000:1b:00.0/0000:1c:00.0/0000:1d:00.0";
	const char *same_host = "/sys/devices/pci0000:16/0000:16:03.0/0000:40:00.0";
	const char *elsewhere = "/sys/devices/pci0000:a6/0000:a6:01.0/0000:a7:00.0";

	EXPECT_EQ(PCI_PIX, facts_distance(nic, same_switch, 0, 0));
	EXPECT_EQ(PCI_PXB, facts_distance(nic, next_switch, 0, 0));
	EXPECT_EQ(PCI_PHB, facts_distance(nic, same_host, 0, 0));
	EXPECT_EQ(PCI_PHB, facts_distance(nic, elsewhere, 0, 0)) << "of one NUMA node";
	EXPECT_EQ(PCI_SYS, facts_distance(nic, elsewhere, 0, 1));
	EXPECT_EQ(PCI_SYS, facts_distance(nic, elsewhere, -1, -1));
	EXPECT_EQ(PCI_SYS, facts_distance("/sys/devices/virtual/x", nic, 0, 1));
}

TEST(CheckConf, LinesAreReadAsNcclDoes)
{
	char comment[] = "#NCCL_NET=IB\n", none[] = "NCCL_NET\n", nameless[] = "=x\n", plain[] = "NCCL_NET=Socket\n", empty[] = "NCCL_NET=", two[] = "A=b=c\r\n";
	char *name, *value;

	EXPECT_FALSE(facts_conf_line(comment, &name, &value));
	EXPECT_FALSE(facts_conf_line(none, &name, &value));
	EXPECT_FALSE(facts_conf_line(nameless, &name, &value));
	ASSERT_TRUE(facts_conf_line(plain, &name, &value));
	EXPECT_STREQ("NCCL_NET", name);
	EXPECT_STREQ("Socket", value);
	ASSERT_TRUE(facts_conf_line(empty, &name, &value));
	EXPECT_STREQ("", value);
	ASSERT_TRUE(facts_conf_line(two, &name, &value));
	EXPECT_STREQ("b=c", value);
}

TEST(CheckConf, ASettingOfAFileIsToldOfItThoughItIsLookedAtAgain)
{
	std::string path = testing::TempDir() + "nccl-" + std::to_string(getpid()) + ".conf";
	FILE *file = fopen(path.c_str(), "w");
	ASSERT_NE(nullptr, file);
	fputs("NCCL_NET=Socket\n", file);
	fclose(file);
	setenv("NCCL_CONF_FILE", path.c_str(), 1);
	for (int look = 0; look < 2; look++) {
		auto seen = all_good();
		facts_settings(seen.get());
		EXPECT_STREQ("Socket", seen->net.value) << look;
		EXPECT_EQ(path, seen->net.file) << look;
	}
	unsetenv("NCCL_NET");
	unsetenv("NCCL_CONF_FILE");
	remove(path.c_str());
}

} // namespace

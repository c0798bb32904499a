// SPDX-License-Identifier: BSD-3-Clause
// Which interfaces are chosen, over tables of addresses, and which NIC is found below them, over tables of links.
#include <arpa/inet.h>
#include <cstring>
#include <deque>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string>
#include <vector>

#include "nic.h"

namespace {

// What getifaddrs() would give.
class Addresses {
public:
	Addresses &add(const char *name, const char *address, unsigned int bits = 24, unsigned int flags = IFF_UP | IFF_RUNNING)
	{
		entries.push_back({});
		Entry &entry = entries.back();
		entry.name = name;
		parse(address, &entry.address);
		entry.mask.ss_family = entry.address.ss_family;
		for (unsigned int i = 0; i < bits; i++)
			bytes_of(&entry.mask)[i / 8] = static_cast<uint8_t>(bytes_of(&entry.mask)[i / 8] | (0x80 >> (i % 8)));
		entry.ifa.ifa_name = entry.name.data();
		entry.ifa.ifa_flags = flags;
		entry.ifa.ifa_addr = reinterpret_cast<sockaddr *>(&entry.address);
		entry.ifa.ifa_netmask = reinterpret_cast<sockaddr *>(&entry.mask);
		if (entries.size() > 1)
			entries[entries.size() - 2].ifa.ifa_next = &entry.ifa;
		return *this;
	}
	// The names of what is chosen, with a comma between them.
	std::string choose(const char *filter, int family = AF_UNSPEC, const char *near = nullptr, unsigned int max = 8)
	{
		sockaddr_storage hint = {};
		const ifaddrs *chosen[8];
		std::string names;

		if (near)
			parse(near, &hint);
		nic_wish wish = {filter, family, near ? &hint : nullptr};
		unsigned int n = nic_choose(&entries.front().ifa, &wish, chosen, max);
		for (unsigned int i = 0; i < n; i++)
			names += (i ? "," : "") + std::string(chosen[i]->ifa_name) + (chosen[i]->ifa_addr->sa_family == AF_INET6 ? "/6" : "");
		return names;
	}

private:
	struct Entry {
		std::string name;
		sockaddr_storage address = {}, mask = {};
		ifaddrs ifa = {};
	};
	static uint8_t *bytes_of(sockaddr_storage *addr)
	{
		return addr->ss_family == AF_INET ? reinterpret_cast<uint8_t *>(&reinterpret_cast<sockaddr_in *>(addr)->sin_addr)
						  : reinterpret_cast<sockaddr_in6 *>(addr)->sin6_addr.s6_addr;
	}
	static void parse(const char *text, sockaddr_storage *addr)
	{
		addr->ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
		ASSERT_EQ(1, inet_pton(addr->ss_family, text, bytes_of(addr))) << text;
	}
	std::deque<Entry> entries;
};

Addresses usual()
{
	Addresses a;

	a.add("lo", "127.0.0.1", 8).add("eth0", "10.0.0.1").add("eth1", "10.1.0.1").add("docker0", "172.17.0.1", 16);
	a.add("virbr0", "192.168.122.1").add("lo", "::1", 128).add("eth0", "fd00::1", 64).add("eth1", "fe80::1", 64);
	return a;
}

TEST(NicChoice, FollowsTheFilterAsNcclDoes)
{
	struct {
		const char *filter, *chosen;
	} table[] = {
		{"eth", "eth0,eth1"},
		{"eth1", "eth1"},
		{"eth1,eth0", "eth0,eth1"},
		{"=eth", ""},
		{"=eth0,docker0", "eth0,docker0"},
		{"^eth", "lo,docker0,virbr0"},
		{"^=eth0", "lo,eth1,docker0,virbr0"},
		{"^eth,docker,virbr,lo", ""},
		{"nosuch", ""},
		{"lo", "lo"},
		{"eth0:1", "eth0"},
		{nullptr, "eth0,eth1"},
		{"", "eth0,eth1"},
		// NCCL looks at no value that short.
		{"l", "eth0,eth1"},
		{"^", "eth0,eth1"},
	};

	for (const auto &row : table)
		EXPECT_EQ(row.chosen, usual().choose(row.filter)) << (row.filter ? row.filter : "(null)");
}

TEST(NicChoice, TakesTheFirstAddressOfTheFamily)
{
	EXPECT_EQ("eth0/6", usual().choose("eth", AF_INET6)) << "link-local addresses are not taken";
	EXPECT_EQ("eth0,eth1", usual().choose("eth", AF_INET));
	EXPECT_EQ("", usual().choose("lo", AF_INET6)) << "nor is ::1";
	Addresses six_first;
	six_first.add("eth0", "fd00::1", 64).add("eth0", "10.0.0.1");
	EXPECT_EQ("eth0/6", six_first.choose("eth"));
}

TEST(NicChoice, TakesOnlyRunningInterfacesAndNoMoreThanAskedFor)
{
	Addresses a;

	a.add("eth0", "10.0.0.1", 24, IFF_UP).add("eth1", "10.1.0.1").add("eth2", "10.2.0.1").add("eth3", "10.3.0.1");
	EXPECT_EQ("eth1,eth2,eth3", a.choose("eth"));
	EXPECT_EQ("eth1,eth2", a.choose("eth", AF_UNSPEC, nullptr, 2));
	EXPECT_EQ("", a.choose("eth", AF_UNSPEC, nullptr, 0));
}

TEST(NicChoice, HasTheOrderOfNcclWithoutAFilter)
{
	Addresses a;

	a.add("virbr0", "192.168.122.1");
	EXPECT_EQ("virbr0", a.choose(nullptr));
	a.add("lo", "127.0.0.1", 8).add("lom1", "10.9.0.1");
	EXPECT_EQ("lo,lom1", a.choose(nullptr)) << "prefixes, here too";
	a.add("docker0", "172.17.0.1", 16);
	EXPECT_EQ("docker0", a.choose(nullptr));
	a.add("eth0", "10.0.0.1").add("eth1", "10.1.0.1");
	EXPECT_EQ("eth0,eth1", a.choose(nullptr));
	a.add("ib0", "10.2.0.1").add("ib1", "10.3.0.1");
	EXPECT_EQ("ib0,ib1", a.choose(nullptr));
}

TEST(NicChoice, PrefersTheSubnetOfTheCommId)
{
	EXPECT_EQ("eth1", usual().choose(nullptr, AF_UNSPEC, "10.1.0.77"));
	EXPECT_EQ("eth0/6", usual().choose(nullptr, AF_UNSPEC, "fd00::77"));
	EXPECT_EQ("docker0", usual().choose(nullptr, AF_UNSPEC, "172.17.3.3"));
	EXPECT_EQ("eth0,eth1", usual().choose(nullptr, AF_UNSPEC, "10.2.0.77")) << "no such subnet";
	EXPECT_EQ("eth0", usual().choose("eth0", AF_UNSPEC, "10.1.0.77")) << "a filter goes before it";
	Addresses with_ib = usual();
	with_ib.add("ib0", "10.5.0.1");
	EXPECT_EQ("ib0", with_ib.choose(nullptr, AF_UNSPEC, "10.1.0.77")) << "ib* too";
}

nic_link link(unsigned int ifindex, const char *kind, unsigned int below = 0, unsigned int master = 0, unsigned int active = 0)
{
	nic_link link = {};

	link.ifindex = ifindex;
	snprintf(link.name, sizeof(link.name), "if%u", ifindex);
	strcpy(link.kind, kind);
	link.below = below;
	link.master = master;
	link.active = active;
	return link;
}

unsigned int lowest(const std::vector<nic_link> &links, unsigned int ifindex)
{
	const nic_link *found = nic_lowest(links.data(), static_cast<unsigned int>(links.size()), ifindex);

	return found ? found->ifindex : 0;
}

TEST(NicLowest, IsTheInterfaceItselfWhenItIsOnTopOfNone)
{
	EXPECT_EQ(2u, lowest({link(1, ""), link(2, "")}, 2));
	EXPECT_EQ(2u, lowest({link(1, ""), link(2, "dmnic", 1)}, 2)) << "a NIC of its own, on another's wire";
	EXPECT_EQ(2u, lowest({link(2, "veth", 9)}, 2));
	EXPECT_EQ(0u, lowest({link(1, "")}, 2)) << "there is no such interface";
}

TEST(NicLowest, IsBelowAVlanMacvlanOrIpvlan)
{
	for (const char *kind : {"vlan", "macvlan", "ipvlan"})
		EXPECT_EQ(1u, lowest({link(1, ""), link(2, kind, 1)}, 2)) << kind;
	nic_link elsewhere = link(2, "macvlan", 1);
	elsewhere.below_elsewhere = true;
	EXPECT_EQ(0u, lowest({link(1, ""), elsewhere}, 2)) << "number 1 is another interface here";
}

TEST(NicLowest, IsABondsActiveOrOnlyMember)
{
	EXPECT_EQ(2u, lowest({link(1, "", 0, 9), link(2, "", 0, 9), link(9, "bond", 0, 0, 2)}, 9));
	EXPECT_EQ(1u, lowest({link(1, "", 0, 9), link(2, ""), link(9, "bond")}, 9));
	EXPECT_EQ(0u, lowest({link(1, "", 0, 9), link(2, "", 0, 9), link(9, "bond")}, 9)) << "balanced over both";
	EXPECT_EQ(0u, lowest({link(9, "bond")}, 9));
	EXPECT_EQ(1u, lowest({link(1, "", 0, 9), link(9, "team")}, 9));
}

TEST(NicLowest, IsABridgesOnlyPortThatLeadsOutside)
{
	EXPECT_EQ(1u, lowest({link(1, "", 0, 9), link(2, "veth", 7, 9), link(3, "tun", 0, 9), link(9, "bridge")}, 9));
	EXPECT_EQ(0u, lowest({link(1, "", 0, 9), link(2, "", 0, 9), link(9, "bridge")}, 9));
	EXPECT_EQ(0u, lowest({link(2, "veth", 7, 9), link(9, "bridge")}, 9));
}

TEST(NicLowest, GoesThroughSeveralLevelsAndEndsInALoop)
{
	EXPECT_EQ(1u, lowest({link(1, "", 0, 2), link(2, "bond"), link(3, "vlan", 2, 4), link(4, "bridge")}, 4));
	EXPECT_EQ(0u, lowest({link(1, "vlan", 2), link(2, "vlan", 1)}, 1));
}

TEST(NicLinks, ListsTheLoopbackOfThisNamespace)
{
	nic_link *links = nullptr;
	int n = nic_links(&links);
	bool lo = false;

	ASSERT_GT(n, 0);
	for (int i = 0; i < n; i++)
		lo |= links[i].ifindex == if_nametoindex("lo") && !strcmp(links[i].name, "lo") && !links[i].kind[0];
	EXPECT_TRUE(lo);
	free(links);
}

} // namespace

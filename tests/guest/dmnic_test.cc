// SPDX-License-Identifier: BSD-3-Clause
// What the software NIC promises: rules, RSS and channels as stock ethtool sets and shows them, line rate, coalescing.
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include <arpa/inet.h>
#include <map>
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "transfer.h"

namespace {

constexpr unsigned int kQueue = 3;

std::string ethtool(const std::string &arguments, int *status = nullptr)
{
	return on_host(1, "ethtool " + arguments, status);
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// ethtool -N ends with status 0 also when the rule was refused; it says so.
bool refused(const std::string &rule)
{
	std::string text = ethtool("-N dm0 " + rule);
	return contains(text, "Cannot insert");
}

// Packets that queue `queue` of host 1 has received.
uint64_t packets(unsigned int queue) { return nic_counter_named(1, "rx" + std::to_string(queue) + "_packets"); }

// Sends a byte from an ordinary socket to an ordinary listener of host 1 and tells which queues got packets for it.
std::vector<unsigned int> queues_of_a_connection(const std::string &from, uint16_t from_port, const std::string &to,
						 uint16_t to_port)
{
	bool v6 = contains(to, ":");
	auto address = [&](const std::string &text, uint16_t port) {
		sockaddr_storage storage = host_address(0, v6 ? AF_INET6 : AF_INET, port);
		void *bytes = v6 ? static_cast<void *>(&reinterpret_cast<sockaddr_in6 *>(&storage)->sin6_addr)
				 : &reinterpret_cast<sockaddr_in *>(&storage)->sin_addr;
		EXPECT_EQ(1, inet_pton(storage.ss_family, text.c_str(), bytes));
		return storage;
	};
	sockaddr_storage here = address(from, from_port), there = address(to, to_port);
	socklen_t length = address_length(here);
	int one = 1;

	// Known neighbours are not asked again, as they are after 5 s: the answers would count.
	for (int host : {0, 1})
		on_host(host, "sysctl -qw net.ipv4.neigh.dm0.delay_first_probe_time=3600 net.ipv6.neigh.dm0.delay_first_probe_time=3600");
	std::vector<uint64_t> before;
	for (unsigned int q = 0; q < 8; q++)
		before.push_back(packets(q));
	enter_host(1);
	int listener = socket(there.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	EXPECT_EQ(0, bind(listener, reinterpret_cast<sockaddr *>(&there), length)) << strerror(errno);
	EXPECT_EQ(0, listen(listener, 1));
	enter_host(0);
	int client = socket(here.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	EXPECT_EQ(0, bind(client, reinterpret_cast<sockaddr *>(&here), length)) << strerror(errno);
	EXPECT_EQ(0, connect(client, reinterpret_cast<sockaddr *>(&there), length)) << strerror(errno);
	int server = accept(listener, nullptr, nullptr);
	char byte = 7;
	EXPECT_EQ(1, send(client, &byte, 1, 0));
	EXPECT_EQ(1, recv(server, &byte, 1, 0));
	linger reset = {1, 0};
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(client);
	close(server);
	close(listener);
	std::vector<unsigned int> hit;
	for (unsigned int q = 0; q < 8; q++)
		if (packets(q) > before[q])
			hit.push_back(q);
	return hit;
}

// ---- RSS

struct Vector {
	const char *from;
	uint16_t from_port;
	const char *to;
	uint16_t to_port;
	uint32_t hash;
};

// The vectors that Microsoft published to verify an RSS hash calculation, for the key below.
const Vector vectors[] = {
	{"66.9.149.187", 2794, "161.142.100.80", 1766, 0x51ccc178},
	{"199.92.111.2", 14230, "65.69.140.83", 4739, 0xc626b0ea},
	{"24.19.198.95", 12898, "12.22.207.184", 38024, 0x5c2b394a},
	{"38.27.205.30", 48228, "209.142.163.6", 2217, 0xafc7327f},
	{"153.39.163.191", 44251, "202.188.127.2", 1303, 0x10e828a2},
	{"3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x40207d3d},
};
const char key[] = "6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:"
		   "be:ac:01:fa";

TEST(Rss, HashesAsPublishedVectorsSay)
{
	ethtool("-X dm0 equal 8 hkey " + std::string(key));
	for (const Vector &v : vectors) {
		std::string bits = contains(v.to, ":") ? "/128" : "/32";
		on_host(0, "ip addr add " + std::string(v.from) + bits + " dev dm0");
		on_host(1, "ip addr add " + std::string(v.to) + bits + " dev dm0");
		on_host(0, "ip route replace " + std::string(v.to) + bits + " dev dm0 src " + v.from);
		on_host(1, "ip route replace " + std::string(v.from) + bits + " dev dm0 src " + v.to);
		// The table of 128 entries deals queues in turn.
		std::vector<unsigned int> expected = {v.hash % 128 % 8};
		std::vector<unsigned int> hit = queues_of_a_connection(v.from, v.from_port, v.to, v.to_port);
		// Neighbour discovery is not TCP and goes to queue 0.
		if (expected[0] != 0 && !hit.empty() && hit[0] == 0)
			hit.erase(hit.begin());
		EXPECT_EQ(expected, hit) << v.from << " to " << v.to;
	}
	ethtool("-X dm0 equal 1");
}

TEST(Rss, TableAndKeyAreShownAsSet)
{
	ethtool("-X dm0 weight 0 0 1 1 hkey " + std::string(key));
	std::string shown = ethtool("-x dm0");
	EXPECT_TRUE(contains(shown, "0:      2     2     2     2")) << shown;
	EXPECT_TRUE(contains(shown, "120:      3     3     3     3")) << shown;
	EXPECT_TRUE(contains(shown, key)) << shown;
	ethtool("-X dm0 default");
	EXPECT_TRUE(contains(ethtool("-x dm0"), "0:      0     1     2     3     4     5     6     7"));
	ethtool("-X dm0 equal 1");
	EXPECT_TRUE(contains(on_host(1, "ethtool -n dm0 rx-flow-hash tcp4"), "L4 bytes 2 & 3"));
}

TEST(Rss, AContextTakesWhatItsRuleSendsThere)
{
	EXPECT_TRUE(contains(ethtool("-X dm0 context new start 5 equal 2"), "New RSS context is 1"));
	EXPECT_TRUE(contains(ethtool("-x dm0 context 1"), "0:      5     6     5     6"));
	std::string added = ethtool("-N dm0 flow-type tcp4 dst-ip 10.0.0.2 dst-port 7007 context 1");
	EXPECT_TRUE(contains(added, "Added rule with ID 0")) << added;
	EXPECT_TRUE(contains(ethtool("-n dm0"), "RSS Context ID: 1"));
	bool five = false, six = false;
	for (uint16_t port = 20000; port < 20030; port++) {
		std::vector<unsigned int> hit = queues_of_a_connection("10.0.0.1", port, "10.0.0.2", 7007);
		five = five || hit == std::vector<unsigned int>{5};
		six = six || hit == std::vector<unsigned int>{6};
	}
	EXPECT_TRUE(five && six);
	int status;
	ethtool("-X dm0 context 1 delete", &status);
	EXPECT_NE(0, status) << "a context in use was deleted";
	ethtool("-N dm0 delete 0");
	ethtool("-X dm0 context 1 delete");
	ethtool("-x dm0 context 1", &status);
	EXPECT_NE(0, status);
	EXPECT_TRUE(refused("flow-type tcp4 dst-ip 10.0.0.2 dst-port 7007 context 1")) << "the context is not there";
}

// ---- rules

TEST(Rules, FiveTupleDownToAddressAndPortAreShownAsSet)
{
	ethtool("-N dm0 flow-type tcp4 src-ip 10.0.0.1 dst-ip 10.0.0.2 src-port 20100 dst-port 7001 queue 2 loc 10");
	ethtool("-N dm0 flow-type tcp6 dst-ip fd00:0::2 dst-port 7001 queue 4 loc 11");
	ethtool("-N dm0 flow-type tcp4 dst-port 7001 queue 6 loc 12");
	std::string shown = ethtool("-n dm0");
	for (const char *part : {"Total 3 rules", "Filter: 10", "Src port: 20100 mask: 0x0", "Direct to queue 2", "TCP over IPv6",
				 "Direct to queue 4"})
		EXPECT_TRUE(contains(shown, part)) << part << " in " << shown;
	using Queues = std::vector<unsigned int>;
	EXPECT_EQ(Queues{2}, queues_of_a_connection("10.0.0.1", 20100, "10.0.0.2", 7001));
	EXPECT_EQ(Queues{6}, queues_of_a_connection("10.0.0.1", 20101, "10.0.0.2", 7001));
	ethtool("-K dm0 ntuple off");
	EXPECT_EQ(Queues{0}, queues_of_a_connection("10.0.0.1", 20100, "10.0.0.2", 7001));
	ethtool("-K dm0 ntuple on");
	for (const char *location : {"10", "11", "12"})
		ethtool(std::string("-N dm0 delete ") + location);
	EXPECT_TRUE(contains(ethtool("-n dm0"), "Total 0 rules"));
}

TEST(Rules, AFullTableSaysSoAndTakesMoreAfterADeletion)
{
	devmem_error err = {};
	devmem_rule rule = {};

	enter_host(1);
	rule.dst = host_address(1, AF_INET, 0);
	rule.queue = 1;
	for (uint16_t i = 0; i < 1024; i++) {
		reinterpret_cast<sockaddr_in *>(&rule.dst)->sin_port = htons(static_cast<uint16_t>(10000 + i));
		ASSERT_EQ(0, devmem_rule_add("dm0", &rule, &err)) << i << ": " << err.text;
	}
	EXPECT_EQ(-ENOSPC, devmem_rule_add("dm0", &rule, &err)) << err.text;
	EXPECT_EQ(0, devmem_rule_del("dm0", 500, nullptr));
	EXPECT_EQ(0, devmem_rule_add("dm0", &rule, &err)) << err.text;
	EXPECT_EQ(500u, rule.location);
	for (uint32_t location = 0; location < 1024; location++)
		EXPECT_EQ(0, devmem_rule_del("dm0", location, nullptr));
}

TEST(Rules, WhatTheNicCannotDoIsRefused)
{
	for (const char *rule : {"flow-type udp4 dst-port 1 queue 1", "flow-type tcp4 tos 1 dst-port 1 queue 1", "flow-type tcp4 queue 1",
				 "flow-type tcp4 dst-port 1 queue 8", "flow-type tcp4 dst-port 1 queue 1 loc 1024"})
		EXPECT_TRUE(refused(rule)) << rule;
	EXPECT_TRUE(contains(ethtool("-n dm0"), "Total 0 rules"));
}

// ---- channels and rings

TEST(Channels, AreSetAndShownAndRssFollows)
{
	ethtool("-X dm0 default");
	ethtool("-L dm0 rx 4 tx 2");
	std::string shown = ethtool("-l dm0");
	EXPECT_TRUE(contains(shown.substr(shown.find("Current")), "RX:\t\t4")) << shown;
	EXPECT_TRUE(contains(ethtool("-x dm0"), "0:      0     1     2     3     0     1     2     3"));
	EXPECT_TRUE(refused("flow-type tcp4 dst-port 7001 queue 5"));
	int status;
	ethtool("-L dm0 rx 8 tx 8");
	ethtool("-N dm0 flow-type tcp4 dst-port 7001 queue 5 loc 1");
	ethtool("-L dm0 rx 4", &status);
	EXPECT_NE(0, status) << "a rule leads to a queue that went away";
	ethtool("-N dm0 delete 1");
	ethtool("-X dm0 equal 1");
}

TEST(Rings, HeaderSplitAndSizeAreShownAsSet)
{
	EXPECT_TRUE(contains(ethtool("-g dm0"), "TCP data split:\ton"));
	on_host(1, "header-split dm0 off");
	EXPECT_TRUE(contains(ethtool("-g dm0"), "TCP data split:\toff"));
	on_host(1, "header-split dm0 on");
	ethtool("-G dm0 rx 512 tx 512");
	EXPECT_TRUE(contains(ethtool("-g dm0"), "512"));
	int status;
	ethtool("-G dm0 rx 5000", &status);
	EXPECT_NE(0, status);
	ethtool("-G dm0 rx 256 tx 256");
}

// ---- line rate and coalescing

// Receives `bytes` from an ordinary socket into device memory of host 1.
devmem_stream_stats receive(uint64_t bytes, size_t buffer = 4096, devmem_mem_kind kind = test_memory())
{
	DeviceReceiver to(1, AF_INET, kQueue, 16 << 20, 0, buffer, kind);
	PlainSender from(connect_from(0, to.address), bytes, 1);
	DeviceEndReceiver end(accept_nonblocking(to.listener), bytes, to.pool, devmem_binding_id(to.binding), 2);
	run(from, end);
	return end.statistics();
}

double seconds_to_receive(uint64_t bytes)
{
	auto start = std::chrono::steady_clock::now();
	receive(bytes);
	return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(Speed, NeitherSenderNorReceiverGoesFasterThanThePort)
{
	constexpr uint64_t kBytes = 2'000'000;
	// Payload of 4096 of 4204 bytes on the wire; the port may be ahead by half a millisecond.
	constexpr double kLeast = kBytes * 8 / 100e6 - 0.0005;

	for (int host : {0, 1}) {
		on_host(host, "ethtool -s dm0 speed 100 autoneg off");
		EXPECT_TRUE(contains(on_host(host, "ethtool dm0"), "Speed: 100Mb/s"));
		EXPECT_GE(seconds_to_receive(kBytes), kLeast) << "limited at host" << host;
		on_host(host, "ethtool -s dm0 autoneg on");
	}
	EXPECT_TRUE(contains(ethtool("dm0"), "Speed: Unknown!"));
}

// Bytes over an ordinary connection of the hosts, sent until `stop`, and thrown away.
struct Bulk {
	std::atomic<bool> stop{false};
	std::atomic<uint64_t> received{0};
	int ends[2];
	std::thread sender, receiver;

	explicit Bulk(int from)
	{
		connect_plain(from, ends);
		sender = std::thread([this] {
			std::vector<char> data(1 << 20);
			while (!stop)
				send(ends[0], data.data(), data.size(), MSG_NOSIGNAL);
			shutdown(ends[0], SHUT_RDWR);
		});
		receiver = std::thread([this] {
			std::vector<char> data(1 << 20);
			ssize_t n;
			while ((n = recv(ends[1], data.data(), data.size(), 0)) > 0)
				received += static_cast<uint64_t>(n);
		});
	}
	~Bulk()
	{
		stop = true;
		sender.join();
		receiver.join();
		close(ends[0]);
		close(ends[1]);
	}
	static void connect_plain(int from, int *ends)
	{
		enter_host(!from);
		sockaddr_storage there = host_address(!from, AF_INET, 0);
		socklen_t length = sizeof(there);
		int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ASSERT_EQ(0, bind(listener, reinterpret_cast<sockaddr *>(&there), address_length(there)));
		ASSERT_EQ(0, listen(listener, 1));
		getsockname(listener, reinterpret_cast<sockaddr *>(&there), &length);
		enter_host(from);
		ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ASSERT_EQ(0, connect(ends[0], reinterpret_cast<sockaddr *>(&there), length));
		ends[1] = accept(listener, nullptr, nullptr);
		close(listener);
	}
};

// A queue that always has more to send must not keep the others' packets, pure ACKs among them.
TEST(Speed, QueuesOfAFullPortTakeTurns)
{
	constexpr int kConnections = 6;
	uint64_t least = UINT64_MAX, most = 0;

	for (int host : {0, 1})
		on_host(host, "ethtool -s dm0 speed 100 autoneg off");
	{
		std::vector<std::unique_ptr<Bulk>> bulks;
		for (int c = 0; c < kConnections; c++)
			bulks.push_back(std::make_unique<Bulk>(0));
		// Not what the first had for itself while the others were made.
		uint64_t before[kConnections];
		for (int c = 0; c < kConnections; c++)
			before[c] = bulks[c]->received;
		std::this_thread::sleep_for(std::chrono::seconds(3));
		for (int c = 0; c < kConnections; c++) {
			uint64_t received = bulks[c]->received - before[c];
			least = std::min(least, received);
			most = std::max(most, received);
		}
	}
	for (int host : {0, 1})
		on_host(host, "ethtool -s dm0 autoneg on");
	EXPECT_GT(least * 20, most) << "of " << kConnections << " connections one got " << least << " bytes and another " << most;
}

TEST(Speed, ModerationIsShownAsSetAndLosesNoLineRate)
{
	constexpr uint64_t kBytes = 4'000'000;
	int status;
	ethtool("-C dm0 rx-usecs 200000", &status);
	EXPECT_NE(0, status);
	for (int host : {0, 1})
		on_host(host, "ethtool -s dm0 speed 100 autoneg off");
	double at_once = seconds_to_receive(kBytes);
	for (int host : {0, 1})
		on_host(host, "ethtool -C dm0 rx-usecs 2000 tx-usecs 1000");
	std::string shown = ethtool("-c dm0");
	EXPECT_TRUE(contains(shown, "rx-usecs:\t2000") || contains(shown, "rx-usecs: 2000")) << shown;
	EXPECT_TRUE(contains(shown, "tx-usecs:\t1000") || contains(shown, "tx-usecs: 1000")) << shown;
	// A frame takes 0.3 ms of the wire: were the moderation not made good, each would take 2 ms.
	EXPECT_LT(seconds_to_receive(kBytes), 3 * at_once);
	for (int host : {0, 1}) {
		on_host(host, "ethtool -C dm0 rx-usecs 0 tx-usecs 0");
		on_host(host, "ethtool -s dm0 autoneg on");
	}
}

TEST(Coalescing, PutsSegmentsIntoWholePages)
{
	constexpr uint64_t kBytes = 10'000'003;

	for (int host : {0, 1})
		on_host(host, "ip link set dm0 mtu 1500");
	devmem_stream_stats apart = receive(kBytes);
	ethtool("-K dm0 rx-gro-hw on");
	devmem_stream_stats together = receive(kBytes);
	ethtool("-K dm0 rx-gro-hw off");
	for (int host : {0, 1})
		on_host(host, "ip link set dm0 mtu 4148");
	EXPECT_GE(apart.frags, kBytes / 1448);
	EXPECT_LT(2 * together.frags, apart.frags);
}

TEST(Coalescing, FillsLargeBuffersSoThatFewTokensDo)
{
	constexpr uint64_t kBytes = 10'000'003;
	constexpr size_t kBuffer = 32768;

	ethtool("-K dm0 rx-gro-hw on");
	devmem_stream_stats pages = receive(kBytes, 4096, DEVMEM_MEM_DMVRAM);
	devmem_stream_stats large = receive(kBytes, kBuffer, DEVMEM_MEM_DMVRAM);
	ethtool("-K dm0 rx-gro-hw off");
	EXPECT_GE(pages.tokens_taken, kBytes / 4096);
	EXPECT_LT(3 * large.tokens_taken, pages.tokens_taken);
}

TEST(Counters, TellWhatHardwareWouldHaveDone)
{
	uint64_t before = nic_counter(1, "rx_hw_ns"), packets_before = nic_counter(1, "rx_packets");

	receive(1'000'000);
	EXPECT_GT(nic_counter(1, "rx_hw_ns"), before);
	EXPECT_GE(nic_counter(1, "rx_packets") - packets_before, 1'000'000u / 4096);
	std::string standard = on_host(1, "ip -s link show dm0");
	EXPECT_TRUE(contains(standard, "RX:")) << standard;
}

// netdev qstats-get: bytes received by each rx queue of host 1's dm0.
std::map<uint64_t, uint64_t> queue_bytes()
{
	constexpr uint8_t kQstatsGet = 12;
	enum { IFINDEX = 1, QUEUE_TYPE, QUEUE_ID, SCOPE, RX_PACKETS = 8, RX_BYTES };
	std::map<uint64_t, uint64_t> bytes;
	unsigned int ifindex = dm0_index(1);
	nl_sock *sock = nl_socket_alloc();

	EXPECT_EQ(0, genl_connect(sock));
	nl_socket_modify_cb(
		sock, NL_CB_VALID, NL_CB_CUSTOM,
		[](nl_msg *msg, void *arg) -> int {
			nlattr *attrs[32];
			auto uint_of = [&](int i) {
				uint64_t value = 0;
				if (attrs[i])
					memcpy(&value, nla_data(attrs[i]), std::min(8, nla_len(attrs[i])));
				return value;
			};
			genlmsg_parse(nlmsg_hdr(msg), 0, attrs, 31, nullptr);
			if (uint_of(QUEUE_TYPE) == 0)
				(*static_cast<std::map<uint64_t, uint64_t> *>(arg))[uint_of(QUEUE_ID)] = uint_of(RX_BYTES);
			return NL_OK;
		},
		&bytes);
	nl_msg *msg = nlmsg_alloc();
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, genl_ctrl_resolve(sock, "netdev"), 0, NLM_F_DUMP, kQstatsGet, 1);
	nla_put_u32(msg, IFINDEX, ifindex);
	nla_put_u32(msg, SCOPE, 1);
	EXPECT_EQ(0, nl_send_sync(sock, msg));
	nl_socket_free(sock);
	return bytes;
}

TEST(Counters, OfEachQueueAreThereByNetlink)
{
	std::map<uint64_t, uint64_t> before = queue_bytes();

	receive(1'000'000);
	std::map<uint64_t, uint64_t> after = queue_bytes();
	EXPECT_EQ(8u, after.size());
	EXPECT_GE(after[kQueue] - before[kQueue], 1'000'000u);
	EXPECT_EQ(before[5], after[5]);
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// What the kernel's own selftests ask of device memory TCP (ncdevmem, devmem.py), written anew; uapi_test has those of them that are not here.
#include <linux/ethtool_netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "transfer.h"
#include "uapi/devmem_uapi.h"

namespace {

constexpr unsigned int kQueue = 3;

// ETHTOOL_MSG_RINGS_SET with hds-thresh alone, which Debian's ethtool does not know. 0 or -errno of libnl.
int set_hds_thresh(int host, uint32_t bytes)
{
	enter_host(host);
	nl_sock *sock = nl_socket_alloc();
	EXPECT_EQ(0, genl_connect(sock));
	nl_msg *msg = nlmsg_alloc();
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, genl_ctrl_resolve(sock, ETHTOOL_GENL_NAME), 0, 0, ETHTOOL_MSG_RINGS_SET,
		    ETHTOOL_GENL_VERSION);
	nlattr *header = nla_nest_start(msg, ETHTOOL_A_RINGS_HEADER | NLA_F_NESTED);
	nla_put_string(msg, ETHTOOL_A_HEADER_DEV_NAME, "dm0");
	nla_nest_end(msg, header);
	nla_put_u32(msg, DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH, bytes);
	int ret = nl_send_sync(sock, msg);
	nl_socket_free(sock);
	return ret;
}

class Bind : public testing::Test {
protected:
	DeviceMemory memory{1 << 20};
	devmem_binding *binding = nullptr;
	devmem_error err = {};
	void TearDown() override { devmem_binding_release(binding); }
	int bind(std::vector<unsigned int> queues)
	{
		return devmem_bind_rx(dm0_index(1), memory.mem->dmabuf_fd, queues.data(), static_cast<unsigned int>(queues.size()),
				      &binding, &err);
	}
};

TEST_F(Bind, RefusesAnEmptyListOfQueues)
{
	EXPECT_EQ(-EINVAL, bind({}));
	EXPECT_EQ(nullptr, binding);
}

TEST_F(Bind, OfSeveralQueuesIsAllOrNothing)
{
	uint32_t id;

	EXPECT_EQ(-ERANGE, bind({4, 5, 100}));
	for (unsigned int queue : {4u, 5u}) {
		EXPECT_EQ(0, devmem_queue_binding(dm0_index(1), queue, &id, &err));
		EXPECT_EQ(0u, id) << "queue " << queue;
	}
	ASSERT_EQ(0, bind({4, 5, 6})) << err.text;
	for (unsigned int queue : {4u, 5u, 6u}) {
		EXPECT_EQ(0, devmem_queue_binding(dm0_index(1), queue, &id, &err));
		EXPECT_EQ(devmem_binding_id(binding), id) << "queue " << queue;
	}
}

TEST_F(Bind, RefusesWhileShortPacketsAreNotSplit)
{
	ASSERT_EQ(0, set_hds_thresh(1, 200));
	EXPECT_EQ(-EINVAL, bind({kQueue}));
	EXPECT_NE(nullptr, strstr(err.text, "hds-thresh is not zero")) << err.text;
	enter_host(1);
	ASSERT_EQ(0, devmem_nic_set_header_split("dm0", true, &err)) << err.text;
	EXPECT_EQ(0, bind({kQueue})) << err.text;
	EXPECT_NE(0, set_hds_thresh(1, 200)) << "device memory is bound";
}

TEST_F(Bind, KeepsTheQueuesThatItHolds)
{
	ASSERT_EQ(0, bind({kQueue})) << err.text;
	int status = 0;
	for (const char *counts : {"rx 2", "rx 3", "rx 1 tx 1"}) {
		on_host(1, std::string("ethtool -L dm0 ") + counts, &status);
		EXPECT_NE(0, status) << counts;
	}
	// Above the bound queue there may be fewer.
	on_host(1, "ethtool -L dm0 rx 5");
	uint32_t id = 0;
	EXPECT_EQ(0, devmem_queue_binding(dm0_index(1), kQueue, &id, &err));
	EXPECT_EQ(devmem_binding_id(binding), id);
	on_host(1, "ethtool -L dm0 rx 8");
	on_host(1, "ethtool -X dm0 equal 1");
}

TEST_F(Bind, HoldsHeaderSplitUntilItIsReleased)
{
	ASSERT_EQ(0, bind({kQueue})) << err.text;
	enter_host(1);
	EXPECT_EQ(-EINVAL, devmem_nic_set_header_split("dm0", false, &err));
	EXPECT_NE(nullptr, strstr(err.text, "tcp-data-split")) << err.text;
	devmem_binding_release(binding);
	binding = nullptr;
	EXPECT_EQ(0, devmem_nic_set_header_split("dm0", false, &err)) << err.text;
	EXPECT_EQ(0, devmem_nic_set_header_split("dm0", true, &err)) << err.text;
}

// ---- header split of each size

class HeaderSplit : public testing::TestWithParam<int> {};

TEST_P(HeaderSplit, GivesExactlyThePayloadOfEachSize)
{
	DeviceReceiver to(1, GetParam(), kQueue, 4 << 20);
	int sender = connect_from(0, to.address), one = 1;
	devmem_stream *stream = nullptr;
	uint64_t at = 0;

	setsockopt(sender, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	int mss = 0;
	socklen_t length = sizeof(mss);
	ASSERT_EQ(0, getsockopt(sender, IPPROTO_TCP, TCP_MAXSEG, &mss, &length));
	ASSERT_EQ(0, devmem_stream_open(accept_nonblocking(to.listener), 64 * 1024, &stream, nullptr));
	std::vector<int> sizes;
	for (int size : {1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1023, 1447, 1448, 1449, 2048, 4095, 4096, 4097})
		sizes.push_back(size);
	for (int size : {mss - 1, mss, mss + 1})
		sizes.push_back(size);
	for (int size : sizes) {
		std::vector<uint8_t> bytes(static_cast<size_t>(size));
		for (size_t i = 0; i < bytes.size(); i++)
			bytes[i] = pattern(at + i);
		ASSERT_EQ(size, send(sender, bytes.data(), bytes.size(), MSG_NOSIGNAL));
		size_t got = 0;
		while (got < bytes.size()) {
			pollfd wait = {devmem_stream_fd(stream), POLLIN, 0};
			ASSERT_EQ(1, poll(&wait, 1, 10'000)) << size;
			devmem_frag frags[64];
			unsigned int n = 64;
			ssize_t received = devmem_stream_recv(stream, 100'000, frags, &n);
			ASSERT_GT(received, 0) << size;
			for (unsigned int i = 0; i < n; i++) {
				ASSERT_EQ(DEVMEM_FRAG_DEVICE, frags[i].where) << size;
				ASSERT_EQ(0u, to.pool.wrong(frags[i].offset, at + got, frags[i].len)) << size;
				got += frags[i].len;
				ASSERT_EQ(0, devmem_stream_token_put(stream, frags[i].token));
			}
		}
		ASSERT_EQ(bytes.size(), got);
		at += got;
	}
	EXPECT_EQ(0u, nic_counter(1, "rx_linear_bytes"));
	devmem_stream_close(stream);
	close(sender);
}

INSTANTIATE_TEST_SUITE_P(Families, HeaderSplit, testing::Values(AF_INET, AF_INET6),
			 [](const auto &info) { return std::string(info.param == AF_INET ? "IPv4" : "IPv6"); });

// ---- transmit in small chunks

class Chunks : public testing::TestWithParam<size_t> {};

TEST_P(Chunks, OfEachSizeArriveInOrder)
{
	constexpr size_t kTotal = 9001;
	const size_t chunk = GetParam();
	DeviceMemory memory(1 << 20);
	TxBinding binding(memory);
	sockaddr_storage address;
	int listener = listen_on(1, AF_INET, &address);
	devmem_stream *stream = nullptr;
	ASSERT_EQ(0, devmem_stream_open(connect_from(0, address), 4096, &stream, nullptr));
	PlainReceiver receiver(accept_nonblocking(listener), kTotal);

	memory.put_pattern(5, 0, kTotal);
	uint32_t last = 0;
	for (size_t sent = 0; sent < kTotal;) {
		ssize_t n = devmem_stream_send_device(stream, binding.id(), 5 + sent, std::min(chunk, kTotal - sent), &last);
		if (n == -EAGAIN) {
			devmem_stream_reap(stream);
			receiver.step();
			continue;
		}
		ASSERT_GT(n, 0);
		sent += static_cast<size_t>(n);
	}
	for (int i = 0; i < 1000 && !(receiver.done() && devmem_stream_sent(stream, last)); i++) {
		if (!receiver.done())
			receiver.step();
		ASSERT_GE(devmem_stream_reap(stream), 0);
		usleep(1000);
	}
	EXPECT_TRUE(receiver.done());
	EXPECT_TRUE(devmem_stream_sent(stream, last)) << "a completion is missing";
	devmem_stream_close(stream);
	close(listener);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Chunks, testing::Values(1, 3, 100, 1448, 4096, 5000),
			 [](const auto &info) { return std::to_string(info.param); });

// ---- several queues of one binding

TEST(Queues, OfAnRssContextFillOneDmabuf)
{
	DeviceMemory pool(16 << 20);
	devmem_binding *binding = nullptr;
	devmem_error err = {};
	const unsigned int queues[] = {4, 5, 6, 7};
	sockaddr_storage address;
	std::vector<uint64_t> before;

	ASSERT_EQ(0, devmem_bind_rx(dm0_index(1), pool.mem->dmabuf_fd, queues, 4, &binding, &err)) << err.text;
	int listener = listen_on(1, AF_INET, &address, 1 << 20);
	on_host(1, "ethtool -X dm0 context new start 4 equal 4");
	on_host(1, "ethtool -N dm0 flow-type tcp4 dst-ip 10.0.0.2 dst-port " +
			   std::to_string(ntohs(reinterpret_cast<sockaddr_in *>(&address)->sin_port)) + " context 1 loc 7");
	for (unsigned int queue : queues)
		before.push_back(nic_counter_named(1, "rx" + std::to_string(queue) + "_devmem_bytes"));
	for (unsigned int i = 0; i < 24; i++) {
		PlainSender from(connect_from(0, address), 200'001, i);
		DeviceEndReceiver end(accept_nonblocking(listener), 200'001, pool, devmem_binding_id(binding), i);
		run(from, end);
	}
	unsigned int used = 0;
	for (unsigned int i = 0; i < 4; i++)
		used += nic_counter_named(1, "rx" + std::to_string(queues[i]) + "_devmem_bytes") > before[i];
	EXPECT_GE(used, 3u) << "24 connections over 4 queues";
	on_host(1, "ethtool -N dm0 delete 7");
	on_host(1, "ethtool -X dm0 context 1 delete");
	close(listener);
	devmem_binding_release(binding);
}

} // namespace

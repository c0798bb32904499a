// SPDX-License-Identifier: BSD-3-Clause
// Ports that connect: whatever a server sends is in device memory, by each connector, again and again.
#include "broker_fixture.h"
#include "transfer.h"

namespace {

// On host 0.
struct Server {
	explicit Server(int family) : listener(listen_on(0, family, &address)) { enter_host(1); }
	~Server() { close(listener); }
	sockaddr_storage address = {};
	int listener;
};

void wait_connected(int fd)
{
	pollfd wait = {fd, POLLOUT, 0};
	int error = 0;
	socklen_t length = sizeof(error);

	ASSERT_EQ(1, poll(&wait, 1, 5000));
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
	ASSERT_EQ(0, error);
}

// One connection from connector `i`, over which `total` bytes come. The last of its tokens are left to the end of the stream.
void receive(devmem_port *port, unsigned int i, Server &server, uint64_t total)
{
	devmem_error err = {};
	devmem_stream *stream = nullptr;
	devmem_frag frags[64];
	uint64_t got = 0;

	int fd = devmem_port_connect(port, i, &server.address, &err);
	ASSERT_GE(fd, 0) << err.text;
	wait_connected(fd);
	PlainSender sender(accept_nonblocking(server.listener), total, i);
	ASSERT_EQ(0, devmem_stream_open(fd, 1 << 20, &stream, &err)) << err.text;
	while (got < total) {
		unsigned int n = 64;
		bool moved = sender.step();
		ssize_t ret = devmem_stream_recv(stream, 1 << 20, frags, &n);
		ASSERT_TRUE(ret > 0 || ret == -EAGAIN) << ret;
		if (ret == -EAGAIN && !moved) {
			pollfd wait = {fd, POLLIN, 0};
			ASSERT_EQ(1, poll(&wait, 1, 5000)) << got << " of " << total;
		}
		got += ret > 0 ? static_cast<uint64_t>(ret) : 0;
		for (unsigned int k = 0; ret > 0 && got < total && k < n; k++) {
			ASSERT_EQ(DEVMEM_FRAG_DEVICE, frags[k].where) << "connector " << i << ", byte " << got;
			ASSERT_EQ(0, devmem_stream_token_put(stream, frags[k].token));
		}
	}
	EXPECT_GT(devmem_stream_tokens_out(stream), 0u);
	devmem_stream_close(stream);
	devmem_port_disconnect(port, i);
}

void use_connectors(const char *broker, Server &server, int family)
{
	devmem_error err = {};
	devmem_nic nic = {};
	DeviceMemory pool(16 << 20, DEVMEM_MEM_UDMABUF);
	devmem_port_options options = {};
	devmem_port *port = nullptr;

	ASSERT_EQ(1, devmem_nic_list("=dm0", family, &nic, 1, &err)) << err.text;
	int before = devmem_rule_list("dm0", nullptr, 0, nullptr);
	options.queues = 2;
	options.connectors = 3;
	options.broker = broker;
	ASSERT_EQ(0, devmem_port_open(&nic, pool.mem, &options, &port, &err)) << err.text;
	EXPECT_EQ(before + 6, devmem_rule_list("dm0", nullptr, 0, nullptr));
	EXPECT_EQ(2u, devmem_port_queues(port));
	ASSERT_EQ(6u, devmem_port_connectors(port));
	EXPECT_EQ(-1, devmem_port_listener(port, 0));
	// More than the pool holds, so tokens that were left out would stop it.
	for (int round = 0; round < 4 && !testing::Test::HasFailure(); round++)
		for (unsigned int i = 0; i < 6; i++)
			receive(port, i, server, 3'000'001);
	devmem_port_close(port);
	EXPECT_EQ(before, devmem_rule_list("dm0", nullptr, 0, nullptr));
}

TEST(Connectors, ReceiveToDeviceMemoryAgainAndAgain)
{
	for (int family : {AF_INET, AF_INET6}) {
		Server server(family);
		use_connectors("off", server, family);
	}
}

TEST_F(Broker, LeasesConnectorsToAnOrdinaryUser)
{
	Server server(AF_INET);
	run_as(kUser, [&] { use_connectors(kSocket, server, AF_INET); });
}

TEST(Connectors, HalfOpenConnectionsEndAtOnce)
{
	devmem_error err = {};
	devmem_nic nic = {};
	DeviceMemory pool(16 << 20, DEVMEM_MEM_UDMABUF);
	devmem_port_options options = {};
	devmem_port *port = nullptr;
	sockaddr_storage nobody = host_address(7, AF_INET, 9);

	enter_host(1);
	ASSERT_EQ(1, devmem_nic_list("=dm0", AF_INET, &nic, 1, &err)) << err.text;
	options.connectors = 1;
	ASSERT_EQ(0, devmem_port_open(&nic, pool.mem, &options, &port, &err)) << err.text;
	for (int i = 0; i < 3; i++) {
		int fd = devmem_port_connect(port, 0, &nobody, &err);
		ASSERT_GE(fd, 0) << err.text;
		close(fd);
		devmem_port_disconnect(port, 0);
	}
	devmem_port_close(port);
}

TEST(Connectors, MemoryThatIsTooSmallForThemIsRefused)
{
	devmem_error err = {};
	devmem_nic nic = {};
	devmem_port_options options = {};
	devmem_port *port = nullptr;

	enter_host(1);
	ASSERT_EQ(1, devmem_nic_list("=dm0", AF_INET, &nic, 1, &err)) << err.text;
	DeviceMemory pool(1 << 20, DEVMEM_MEM_UDMABUF);
	options.connectors = DEVMEM_PORT_CONNECTORS + 1;
	EXPECT_EQ(-EINVAL, devmem_port_open(&nic, pool.mem, &options, &port, &err));
	EXPECT_NE(nullptr, strstr(err.text, "at most 32 connectors")) << err.text;
	options.connectors = 30;
	options.queues = 8;
	EXPECT_EQ(-EINVAL, devmem_port_open(&nic, pool.mem, &options, &port, &err));
	EXPECT_NE(nullptr, strstr(err.text, "take more")) << err.text;
}

} // namespace

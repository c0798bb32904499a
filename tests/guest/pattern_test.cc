// SPDX-License-Identifier: BSD-3-Clause
// Every byte in its place: receive to and send from device memory, each alone against an ordinary socket, and both together.
#include "transfer.h"

namespace {

constexpr unsigned int kQueue = 3;
constexpr uint64_t kBytes = 40'000'003;

struct Case {
	int family;
	int send_buffer;	// 0: default
	int receive_buffer;	// 0: default
	size_t buffer = 4096;	// bytes of each that the NIC fills, where memory is contiguous
};

class Pattern : public testing::TestWithParam<Case> {};

TEST_P(Pattern, ReceivedFromOrdinarySocketLiesInDeviceMemory)
{
	DeviceReceiver to(1, GetParam().family, kQueue, 16 << 20, GetParam().receive_buffer, GetParam().buffer);
	int sender = connect_from(0, to.address, GetParam().send_buffer);
	PlainSender from(sender, kBytes, 1);
	uint64_t devmem_before = nic_counter(1, "rx_devmem_bytes");
	uint64_t linear_before = nic_counter(1, "rx_linear_bytes");
	{
		DeviceEndReceiver end(accept_nonblocking(to.listener), kBytes, to.pool,
				      devmem_binding_id(to.binding), 2);
		run(from, end);
	}
	EXPECT_GE(nic_counter(1, "rx_devmem_bytes") - devmem_before, kBytes);
	EXPECT_EQ(linear_before, nic_counter(1, "rx_linear_bytes"));
}

TEST_P(Pattern, SentFromDeviceMemoryArrivesAtOrdinarySocket)
{
	sockaddr_storage address;
	int listener = listen_on(1, GetParam().family, &address, GetParam().receive_buffer);
	DeviceMemory memory(2 << 20);
	TxBinding binding(memory);
	int sender = connect_from(0, address, GetParam().send_buffer);
	PlainReceiver to(accept_nonblocking(listener), kBytes);
	DeviceSender from(sender, kBytes, binding.id(), memory, 3);
	uint64_t devmem_before = nic_counter(0, "tx_devmem_bytes");
	run(from, to);
	EXPECT_GE(nic_counter(0, "tx_devmem_bytes") - devmem_before, kBytes);
	close(listener);
}

TEST_P(Pattern, DeviceMemoryToDeviceMemory)
{
	DeviceReceiver to(1, GetParam().family, kQueue, 16 << 20, GetParam().receive_buffer, GetParam().buffer);
	DeviceMemory memory(2 << 20);
	TxBinding binding(memory);
	int sender = connect_from(0, to.address, GetParam().send_buffer);
	DeviceSender from(sender, kBytes, binding.id(), memory, 4);
	DeviceEndReceiver end(accept_nonblocking(to.listener), kBytes, to.pool, devmem_binding_id(to.binding), 5);
	run(from, end);
}

INSTANTIATE_TEST_SUITE_P(Families, Pattern,
			 testing::Values(Case{AF_INET, 0, 0}, Case{AF_INET6, 0, 0}, Case{AF_INET, 8192, 0},
					 Case{AF_INET6, 8192, 40'000}, Case{AF_INET, 0, 0, 32768},
					 Case{AF_INET6, 8192, 40'000, 65536}),
			 [](const auto &info) {
				 return std::string(info.param.family == AF_INET ? "IPv4" : "IPv6") +
					(info.param.send_buffer ? "SmallSendBuffer" : "") +
					(info.param.receive_buffer ? "SmallReceiveBuffer" : "") +
					(info.param.buffer > 4096 ? "LargeBuffers" : "");
			 });

} // namespace

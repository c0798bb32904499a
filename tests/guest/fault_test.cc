// SPDX-License-Identifier: BSD-3-Clause
// A NIC that fails in its own ways: what arrives is right or the error is clear, nothing hangs, and counters tell what happened.
#include <functional>

#include "transfer.h"

namespace {

constexpr unsigned int kQueue = 3;
constexpr uint64_t kBytes = 3'000'001;
constexpr size_t kBuffer = 32768;	// where memory is contiguous: dmvram

// Faults on dm0 of a host, for as long as the object lives.
struct Fault {
	Fault(int host, const std::string &name, unsigned int one_in) : host(host), name(name) { set(one_in); }
	~Fault() { set(0); }
	void set(unsigned int one_in)
	{
		on_host(host, "ip link set dm0 type dmnic " + name + " " + std::to_string(one_in));
	}
	uint64_t hits() const { return nic_counter_named(host, "fault_" + name); }
	int host;
	std::string name;
};

struct Case {
	const char *fault;
	unsigned int one_in;
	int family;
	bool in_host_memory;	// some payload must be found outside device memory
};

class Faults : public testing::TestWithParam<Case> {
protected:
	const Case &param = GetParam();
	// What a fault must have done on the host that receives, besides nothing to the bytes.
	void expect_struck(const Fault &fault, uint64_t before)
	{
		EXPECT_GT(fault.hits(), before) << param.fault;
		if (std::string("corrupt") == param.fault) {
			EXPECT_GT(nic_counter(1, "rx_csum_bad"), 0u);
		}
		if (std::string("nobuf") == param.fault) {
			EXPECT_GT(nic_counter(1, "rx_drops_nobuf"), 0u);
		}
	}
};

TEST_P(Faults, ReceiveToDeviceMemory)
{
	DeviceReceiver to(1, param.family, kQueue, 16 << 20, 0, kBuffer);
	PlainSender from(connect_from(0, to.address), kBytes, 1);
	DeviceEndReceiver end(accept_nonblocking(to.listener), kBytes, to.pool, devmem_binding_id(to.binding), 2, false);
	Fault fault(1, param.fault, param.one_in);
	uint64_t before = fault.hits();

	run(from, end);
	expect_struck(fault, before);
	devmem_stream_stats stats = end.statistics();
	EXPECT_EQ(param.in_host_memory, stats.rx_linear + stats.rx_plain > 0)
		<< stats.rx_linear << " linear, " << stats.rx_plain << " plain";
}

TEST_P(Faults, SendFromDeviceMemory)
{
	sockaddr_storage address;
	int listener = listen_on(1, param.family, &address);
	DeviceMemory memory(2 << 20);
	TxBinding binding(memory);
	int sender = connect_from(0, address);
	PlainReceiver to(accept_nonblocking(listener), kBytes);
	DeviceSender from(sender, kBytes, binding.id(), memory, 3);
	Fault fault(1, param.fault, param.one_in);
	uint64_t before = fault.hits();

	run(from, to);
	expect_struck(fault, before);
	close(listener);
}

TEST_P(Faults, DeviceMemoryToDeviceMemory)
{
	DeviceReceiver to(1, param.family, kQueue, 16 << 20, 0, kBuffer);
	DeviceMemory memory(2 << 20);
	TxBinding binding(memory);
	DeviceSender from(connect_from(0, to.address), kBytes, binding.id(), memory, 4);
	DeviceEndReceiver end(accept_nonblocking(to.listener), kBytes, to.pool, devmem_binding_id(to.binding), 5, false);
	Fault here(1, param.fault, param.one_in), back(0, param.fault, 4 * param.one_in);
	uint64_t before = here.hits();

	run(from, end);
	expect_struck(here, before);
}

std::vector<Case> cases()
{
	std::vector<Case> all;

	for (int family : {AF_INET, AF_INET6}) {
		all.push_back({"linear", 20, family, true});
		all.push_back({"partial", 20, family, true});
		all.push_back({"split", 3, family, false});
		all.push_back({"loss", 60, family, false});
		all.push_back({"duplicate", 20, family, false});
		all.push_back({"reorder", 20, family, false});
		all.push_back({"corrupt", 60, family, false});
		all.push_back({"nobuf", 60, family, false});
		all.push_back({"missteer", 5, family, true});
	}
	return all;
}

INSTANTIATE_TEST_SUITE_P(OneIn, Faults, testing::ValuesIn(cases()), [](const auto &info) {
	return std::string(info.param.fault) + (info.param.family == AF_INET ? "IPv4" : "IPv6");
});

class QueueFaults : public testing::Test {
protected:
	DeviceMemory memory{1 << 20};
	devmem_error err = {};
	int bind(devmem_binding **binding)
	{
		unsigned int queue = kQueue;
		return devmem_bind_rx(dm0_index(1), memory.mem->dmabuf_fd, &queue, 1, binding, &err);
	}
	uint32_t bound_id()
	{
		uint32_t id = 0;
		EXPECT_EQ(0, devmem_queue_binding(dm0_index(1), kQueue, &id, &err)) << err.text;
		return id;
	}
};

TEST_F(QueueFaults, ABindingThatFailsLeavesTheQueueAsItWas)
{
	devmem_binding *binding = nullptr;
	Fault fault(1, "bind", 1);

	EXPECT_EQ(-ENOMEM, bind(&binding));
	EXPECT_EQ(nullptr, binding);
	EXPECT_EQ(0u, bound_id());
	fault.set(0);
	ASSERT_EQ(0, bind(&binding)) << err.text;
	EXPECT_EQ(devmem_binding_id(binding), bound_id());
	devmem_binding_release(binding);
	EXPECT_EQ(0u, bound_id());
}

TEST_F(QueueFaults, AQueueThatCannotRestartWhenUnboundRecoversWithTheLink)
{
	devmem_binding *binding = nullptr;

	ASSERT_EQ(0, bind(&binding)) << err.text;
	{
		Fault fault(1, "restart", 1);
		devmem_binding_release(binding);
	}
	EXPECT_EQ(0u, bound_id());
	on_host(1, "ip link set dm0 down");
	on_host(1, "ip link set dm0 up");
	ASSERT_EQ(0, bind(&binding)) << err.text;
	devmem_binding_release(binding);
}

TEST_F(QueueFaults, RingsThatCannotBeMadeAnewStayAsTheyWere)
{
	int status = 0;
	{
		Fault fault(1, "restart", 3);
		for (int i = 0; i < 10; i++)
			on_host(1, "header-split dm0 off", &status);
	}
	on_host(1, "ip link set dm0 down");
	on_host(1, "ip link set dm0 up");
	on_host(1, "header-split dm0 on");
	DeviceReceiver to(1, AF_INET, kQueue, 16 << 20);
	PlainSender from(connect_from(0, to.address), kBytes, 1);
	DeviceEndReceiver end(accept_nonblocking(to.listener), kBytes, to.pool, devmem_binding_id(to.binding), 2);
	run(from, end);
}

// Runs `middle` when half of the bytes have come.
void run_with(End &sender, DeviceEndReceiver &receiver, const std::function<void()> &middle)
{
	bool struck = false;

	while (!sender.done() || !receiver.done()) {
		bool moved = sender.step();
		moved = receiver.step() || moved;
		if (!struck && receiver.received > kBytes / 2) {
			struck = true;
			middle();
		}
		if (testing::Test::HasFailure())
			return;
		if (!moved) {
			pollfd fds[2] = {{sender.fd(), sender.events(), 0}, {receiver.fd(), receiver.events(), 0}};
			ASSERT_GT(poll(fds, 2, 20'000), 0) << "nothing moved for 20 s";
		}
	}
	EXPECT_TRUE(struck);
}

TEST(Link, CarrierLossDelaysButLosesNothing)
{
	DeviceReceiver to(1, AF_INET, kQueue, 16 << 20);
	DeviceMemory memory(2 << 20);
	TxBinding binding(memory);
	DeviceSender from(connect_from(0, to.address), kBytes, binding.id(), memory, 4);
	DeviceEndReceiver end(accept_nonblocking(to.listener), kBytes, to.pool, devmem_binding_id(to.binding), 5);

	run_with(from, end, [] {
		on_host(1, "ip link set dm0 carrier off");
		EXPECT_NE(std::string::npos, on_host(0, "ip link show dm0").find("NO-CARRIER"));
		usleep(300'000);
		on_host(1, "ip link set dm0 carrier on");
	});
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// The plugin between two hosts over real device memory TCP: where bytes go, what faults do, what is left behind.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "plugin_devmem.h"

namespace {

TEST_F(Devmem, EveryByteGoesFromDeviceMemoryToDeviceMemory)
{
	size_t total = 0;
	uint64_t tx = nic_counter(0, "tx_devmem_bytes"), rx = nic_counter(1, "rx_devmem_bytes");
	{
		DevicePair pair(4 << 20);

		for (size_t size : {size_t(0), size_t(1), size_t(15), size_t(4096), size_t(4097), size_t(65537), size_t(1) << 20, (size_t(4) << 20) - 13}) {
			pair.transfer(size, size, 13);
			total += size;
		}
		pair.transfer(1000, 1 << 20, 0);
		total += 1000;
		EXPECT_EQ(NCCL_PTR_HOST | NCCL_PTR_DMABUF, pair.a.properties().ptrSupport);
	}
	EXPECT_EQ("", warnings());
	// The NIC also counts what TCP sends twice.
	EXPECT_GE(nic_counter(1, "rx_devmem_bytes") - rx, total);
	EXPECT_GE(nic_counter(0, "tx_devmem_bytes") - tx, total);
	EXPECT_EQ(0u, nic_counter(1, "rx_linear_bytes"));
	EXPECT_EQ(static_cast<double>(total), metric("receiver", "devmem_rx_bytes_total{path=\"device\"}"));
	EXPECT_EQ(0, metric("receiver", "devmem_rx_bytes_total{path=\"linear\"}"));
	EXPECT_EQ(0, metric("receiver", "devmem_rx_bytes_total{path=\"plain\"}"));
	EXPECT_EQ(metric("receiver", "devmem_tokens_taken_total"), metric("receiver", "devmem_tokens_returned_total"));
	EXPECT_GT(metric("receiver", "devmem_tokens_taken_total"), 0);
	EXPECT_EQ(static_cast<double>(total), metric("sender", "devmem_tx_bytes_total{path=\"device\"}"));
	EXPECT_EQ(0, metric("sender", "devmem_tx_bytes_total{path=\"copied\"}"));
	EXPECT_EQ(0, metric("sender", "devmem_tx_bytes_total{path=\"staged\"}"));
}

TEST_F(DevmemV6, EveryByteGoesFromDeviceMemoryToDeviceMemory)
{
	uint64_t tx = nic_counter(0, "tx_devmem_bytes");
	{
		DevicePair pair(4 << 20);
		pair.transfer((4 << 20) - 13, (4 << 20) - 13, 13);
	}
	EXPECT_EQ("", warnings());
	EXPECT_GE(nic_counter(0, "tx_devmem_bytes") - tx, (4u << 20) - 13);
	EXPECT_EQ(0u, nic_counter(1, "rx_linear_bytes"));
}

TEST_F(Devmem, ClosingLeavesNoRuleAndNoBinding)
{
	{
		DevicePair pair(1 << 20);

		pair.transfer(100'000, 100'000, 0);
		EXPECT_EQ(1u, bound_queues(1));
		EXPECT_EQ(1, rules(1));
	}
	EXPECT_EQ(0u, bound_queues(1));
	EXPECT_EQ(0, rules(1));
	EXPECT_EQ(0u, bound_queues(0));
	EXPECT_EQ(0, rules(0));
}

TEST_F(Devmem, HostMemoryGoesByControlInBothDirections)
{
	Side a(on(0)), b(on(1));
	Pair pair(a, b);
	std::vector<uint8_t> out(100'000, 3), in(100'000);
	void *data = in.data(), *send = nullptr, *recv = nullptr, *mhandle = nullptr, *host_out = nullptr;
	size_t size = in.size();
	int tag = 0, got;

	ASSERT_EQ(ncclSuccess, a.net->regMr(pair.send, out.data(), out.size(), NCCL_PTR_HOST, &host_out));
	ASSERT_EQ(ncclSuccess, b.net->regMr(pair.recv, in.data(), in.size(), NCCL_PTR_HOST, &mhandle));
	ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &size, &tag, &mhandle, nullptr, &recv));
	ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, out.data(), out.size(), 0, host_out, nullptr, &send));
	wait_both(a, send, b, recv, &got);
	EXPECT_EQ(out, in);
}

// By one message, more notifications of sends without a copy than the kernel keeps for a socket.
TEST_F(Devmem, AHugeMessageOfHostMemoryArrives)
{
	Side a(on(0)), b(on(1));
	Pair pair(a, b);
	std::vector<uint8_t> out(100 << 20), in(100 << 20);
	void *data = in.data(), *send = nullptr, *recv = nullptr, *mhandle = nullptr, *host_out = nullptr;
	size_t size = in.size();
	int tag = 0, got;

	for (size_t i = 0; i < out.size(); i++)
		out[i] = pattern(i);
	ASSERT_EQ(ncclSuccess, a.net->regMr(pair.send, out.data(), out.size(), NCCL_PTR_HOST, &host_out));
	ASSERT_EQ(ncclSuccess, b.net->regMr(pair.recv, in.data(), in.size(), NCCL_PTR_HOST, &mhandle));
	ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &size, &tag, &mhandle, nullptr, &recv));
	ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, out.data(), out.size(), 0, host_out, nullptr, &send));
	wait_both(a, send, b, recv, &got);
	EXPECT_TRUE(out == in);
}

TEST_F(Devmem, HostMemoryMayBeSentToDeviceMemory)
{
	Side a(on(0)), b(on(1));
	Pair pair(a, b);
	Buffer in(b, pair.recv, 1 << 20);
	std::vector<uint8_t> out(777'777);
	void *data = in.memory.addr(), *send = nullptr, *recv = nullptr;
	size_t size = 1 << 20;
	int tag = 0, got = 0;

	for (size_t i = 0; i < out.size(); i++)
		out[i] = pattern(i);
	ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &size, &tag, &in.mhandle, nullptr, &recv));
	ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, out.data(), out.size(), 0, nullptr, nullptr, &send));
	wait_both(a, send, b, recv, &got);
	EXPECT_EQ(static_cast<int>(out.size()), got);
	EXPECT_EQ(out, in.memory.get(0, out.size()));
	in.deregister();
}

TEST_F(Devmem, StrangersOnTheDataPortAreNotTakenForThePeer)
{
	Side a(on(0)), b(on(1));
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listener, *send, *recv;
	wire_handle wire;

	ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
	ASSERT_EQ(0, wire_get_handle(reinterpret_cast<uint8_t *>(handle), sizeof(handle), &wire, nullptr));
	ASSERT_EQ(AF_INET, wire.data.ss_family);
	int strangers[20];
	reinterpret_cast<sockaddr_in &>(wire.data).sin_port = htons(wire.ports[0]);
	for (int &fd : strangers) {
		fd = connect_from(0, wire.data);
		std::string garbage(5000, 'x');
		EXPECT_GT(::send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
	}
	establish(a, b, handle, listener, &send, &recv);
	Buffer out(a, send, 1 << 20), in(b, recv, 1 << 20);
	void *data = in.memory.addr(), *sent = nullptr, *received = nullptr;
	size_t size = 1 << 20;
	int tag = 0, got = 0;
	out.memory.put_pattern(0, 0, size);
	ASSERT_EQ(ncclSuccess, b.net->irecv(recv, 1, &data, &size, &tag, &in.mhandle, nullptr, &received));
	ASSERT_EQ(ncclSuccess, a.net->isend(send, out.memory.addr(), size, 0, out.mhandle, nullptr, &sent));
	wait_both(a, sent, b, received, &got);
	EXPECT_EQ(0u, in.memory.wrong(0, 0, size));
	for (int fd : strangers)
		close(fd);
	out.deregister();
	in.deregister();
	EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
	EXPECT_EQ(ncclSuccess, a.net->closeSend(send));
	EXPECT_EQ(ncclSuccess, b.net->closeRecv(recv));
}

// In a child, which has the handle from a pipe: a sender on host 0 that never stops by itself. Forked before anything else is
// done, since CUDA works in no child of a process that has used it.
pid_t fork_sender(int handle_pipe)
{
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(handle_pipe, handle, sizeof(handle)) != sizeof(handle))
		_exit(1);
	Side a(on(0));
	void *send = nullptr, *request = nullptr;
	while (!send)
		a.connect(handle, &send);
	Buffer out(a, send, 1 << 20);
	for (;;) {
		int done = 0;
		a.net->isend(send, out.memory.addr(), 1 << 20, 0, out.mhandle, nullptr, &request);
		while (request && !done)
			if (a.net->test(request, &done, nullptr) != ncclSuccess)
				pause();
	}
}

TEST_F(Devmem, AKilledSenderIsNoticedAndLeavesNothing)
{
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	int pipe_fds[2];
	ASSERT_EQ(0, pipe(pipe_fds));
	pid_t child = fork_sender(pipe_fds[0]);
	unsigned int descriptors = open_descriptors();
	{
		Side b(on(1));
		void *listener, *recv = nullptr, *request = nullptr;
		ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
		ASSERT_EQ(static_cast<ssize_t>(sizeof(handle)), write(pipe_fds[1], handle, sizeof(handle)));
		double deadline = now() + 10;
		while (!recv && now() < deadline)
			ASSERT_EQ(ncclSuccess, b.accept(listener, &recv));
		Buffer in(b, recv, 1 << 20);
		void *data = in.memory.addr();
		size_t size = 1 << 20;
		int tag = 0, got;
		for (int i = 0; i < 20; i++) {
			ASSERT_EQ(ncclSuccess, b.net->irecv(recv, 1, &data, &size, &tag, &in.mhandle, nullptr, &request));
			ASSERT_EQ(ncclSuccess, wait_for(b, request, &got));
		}
		kill(child, SIGKILL);
		double killed = now();
		ncclResult_t result = ncclSuccess;
		while (result == ncclSuccess && now() < killed + 5) {
			result = b.net->irecv(recv, 1, &data, &size, &tag, &in.mhandle, nullptr, &request);
			if (result == ncclSuccess && request)
				result = wait_for(b, request, &got, 3);
		}
		EXPECT_EQ(ncclRemoteError, result);
		EXPECT_LT(now() - killed, 2.0);
		waitpid(child, nullptr, 0);
		in.deregister();
		EXPECT_EQ(ncclSuccess, b.net->closeRecv(recv));
		EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
	}
	EXPECT_EQ(0u, bound_queues(1));
	EXPECT_EQ(0, rules(1));
	EXPECT_EQ(0u, bound_queues(0));
	EXPECT_EQ(descriptors, open_descriptors());
}

TEST_F(Devmem, AKilledReceiverIsNoticedAndItsRuleGoesWithTheNextLease)
{
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	int pipe_fds[2];
	ASSERT_EQ(0, pipe(pipe_fds));
	unsigned int descriptors = open_descriptors();
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		Side b(on(1));
		void *listener, *recv = nullptr, *request = nullptr;
		b.listen(handle, &listener);
		if (write(pipe_fds[1], handle, sizeof(handle)) != sizeof(handle))
			_exit(1);
		while (!recv)
			b.accept(listener, &recv);
		Buffer in(b, recv, 1 << 20);
		void *data = in.memory.addr();
		size_t size = 1 << 20;
		int tag = 0, got;
		for (;;) {
			b.net->irecv(recv, 1, &data, &size, &tag, &in.mhandle, nullptr, &request);
			wait_for(b, request, &got);
		}
	}
	ASSERT_EQ(static_cast<ssize_t>(sizeof(handle)), read(pipe_fds[0], handle, sizeof(handle)));
	{
		Side a(on(0));
		void *send = nullptr, *request = nullptr;
		while (!send)
			ASSERT_EQ(ncclSuccess, a.connect(handle, &send));
		Buffer out(a, send, 1 << 20);
		for (int i = 0; i < 20; i++) {
			ASSERT_EQ(ncclSuccess, a.net->isend(send, out.memory.addr(), 1 << 20, 0, out.mhandle, nullptr, &request));
			ASSERT_EQ(ncclSuccess, wait_for(a, request, nullptr));
		}
		EXPECT_EQ(1, rules(1));
		kill(child, SIGKILL);
		double killed = now();
		ncclResult_t result = ncclSuccess;
		while (result == ncclSuccess && now() < killed + 5) {
			result = a.net->isend(send, out.memory.addr(), 1 << 20, 0, out.mhandle, nullptr, &request);
			if (result == ncclSuccess && request)
				result = wait_for(a, request, nullptr, 3);
		}
		EXPECT_EQ(ncclRemoteError, result);
		EXPECT_LT(now() - killed, 2.0);
		waitpid(child, nullptr, 0);
		out.deregister();
		EXPECT_EQ(ncclSuccess, a.net->closeSend(send));
	}
	EXPECT_EQ(0u, bound_queues(1)) << "the kernel unbinds when the process dies";
	EXPECT_EQ(1, rules(1)) << "rules do not die with their process";
	{
		DevicePair next(1 << 20);
		EXPECT_EQ(1, rules(1)) << "the next lease removes it and adds its own";
		next.transfer(1000, 1000, 0);
	}
	EXPECT_EQ(0, rules(1));
	EXPECT_EQ(descriptors, open_descriptors());
}

// Like a GPU that falls off the bus: the receiver is told, and nothing hangs.
TEST_F(Devmem, ACopyEngineThatFailsEndsTheConnection)
{
	if (test_memory() != DEVMEM_MEM_DMVRAM)
		GTEST_SKIP() << "here only dmvram's copy engine can be made to fail (CUDA's: cuda_test)";
	DevicePair pair(1 << 20);
	void *send = nullptr, *recv = nullptr, *data = pair.in.memory.addr();
	size_t size = 100'000;
	int tag = 0, done = 0;

	pair.transfer(size, size, 0);
	std::ofstream("/sys/kernel/debug/dmvram/fail_copies") << 1 << std::flush;
	ASSERT_EQ(ncclSuccess, pair.b.net->irecv(pair.pair.recv, 1, &data, &size, &tag, &pair.in.mhandle, nullptr, &recv));
	ASSERT_EQ(ncclSuccess, pair.a.net->isend(pair.pair.send, pair.out.memory.addr(), size, 0, pair.out.mhandle, nullptr, &send));
	ncclResult_t result = ncclSuccess;
	for (double deadline = now() + 20; result == ncclSuccess && now() < deadline;) {
		ASSERT_FALSE(done);
		pair.a.net->test(send, &done, nullptr);
		done = 0;
		result = pair.b.net->test(recv, &done, nullptr);
	}
	EXPECT_NE(ncclSuccess, result);
	EXPECT_NE(std::string::npos, warnings().find("Input/output error")) << warnings();
}

class Fallback : public Devmem {
protected:
	// A transfer must still work, byte for byte, with the warning that `expect` is part of.
	void works_with_warning(const std::string &expect)
	{
		set_environment(false);
		{
			DevicePair pair(1 << 20);
			pair.transfer(500'000, 500'000, 5);
			EXPECT_NE(std::string::npos, warnings().find(expect)) << warnings();
		}
		set_environment(true);
		clear_logs();
		Side strict(on(1), ncclSystemError);
		EXPECT_NE(std::string::npos, warnings().find("required")) << warnings();
	}
};

TEST_F(Fallback, WithoutHeaderSplit)
{
	for (int host : {0, 1}) {
		enter_host(host);
		ASSERT_EQ(0, devmem_nic_set_header_split("dm0", false, nullptr));
	}
	works_with_warning("ethtool -G dm0 tcp-data-split on");
	for (int host : {0, 1}) {
		enter_host(host);
		ASSERT_EQ(0, devmem_nic_set_header_split("dm0", true, nullptr));
	}
}

TEST_F(Fallback, WithoutFlowSteering)
{
	ASSERT_EQ(0, system("on host0 ethtool -K dm0 ntuple off && on host1 ethtool -K dm0 ntuple off"));
	works_with_warning("ethtool -K dm0 ntuple on");
	ASSERT_EQ(0, system("on host0 ethtool -K dm0 ntuple on && on host1 ethtool -K dm0 ntuple on"));
}

TEST_F(Fallback, WithoutAFreeQueue)
{
	set_environment(false);
	DeviceMemory memory(1 << 20);
	std::vector<devmem_binding *> bindings;
	unsigned int ifindex = dm0_index(1);
	for (unsigned int queue = 1; queue < kQueues; queue++) {
		devmem_binding *binding;
		ASSERT_EQ(0, devmem_bind_rx(ifindex, memory.mem->dmabuf_fd, &queue, 1, &binding, nullptr));
		bindings.push_back(binding);
	}
	{
		DevicePair pair(1 << 20);
		pair.transfer(500'000, 500'000, 0);
		EXPECT_NE(std::string::npos, warnings().find("no free rx queue")) << warnings();
	}
	for (devmem_binding *binding : bindings)
		devmem_binding_release(binding);
}

// A queue that ordinary traffic reaches must not get device memory: those connections could not read their payload.
TEST_F(Fallback, WithRssOverAllQueues)
{
	set_environment(false);
	on_host(1, "ethtool -X dm0 default");
	on_host(0, "ethtool -X dm0 default");
	{
		DevicePair pair(1 << 20);
		pair.transfer(500'000, 500'000, 0);
		EXPECT_NE(std::string::npos, warnings().find("ethtool -X dm0 equal")) << warnings();
	}
	on_host(1, "ethtool -X dm0 equal 7");
	on_host(0, "ethtool -X dm0 equal 7");
	set_environment(true);
	{
		DevicePair pair(1 << 20);
		pair.transfer(500'000, 500'000, 0);
	}
	on_host(1, "ethtool -X dm0 equal 1");
	on_host(0, "ethtool -X dm0 equal 1");
}

// Run in a guest whose NICs cannot send device memory.
TEST_F(Fallback, NoTxStagesWhatIsSentAndReceivesAllTheSame)
{
	set_environment(false);
	uint64_t rx = nic_counter(1, "rx_devmem_bytes");
	{
		DevicePair pair(1 << 20);
		pair.transfer(500'000, 500'000, 5);
		EXPECT_NE(std::string::npos, warnings().find("send by way of host memory")) << warnings();
	}
	EXPECT_GE(nic_counter(1, "rx_devmem_bytes") - rx, 500'000u);
	EXPECT_EQ(0u, nic_counter(0, "tx_devmem_bytes"));
	EXPECT_EQ(500'000, metric("sender", "devmem_tx_bytes_total{path=\"staged\"}"));
	EXPECT_EQ(500'000, metric("receiver", "devmem_rx_bytes_total{path=\"device\"}"));
}

TEST_F(Fallback, WithoutPrivilege)
{
	const char *device = test_memory() == DEVMEM_MEM_DMVRAM ? "/dev/dmvram" : "/dev/udmabuf";
	ASSERT_EQ(0, chmod(device, 0666));
	pid_t child = fork();
	if (child == 0) {
		enter_host(1);
		if (setgid(65534) || setuid(65534))
			_exit(2);
		set_environment(false);
		clear_logs();
		{
			Side b;
			alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
			void *listener;
			if (b.listen(handle, &listener) != ncclSuccess)
				_exit(3);
			b.net->closeListen(listener);
		}
		fputs(warnings().c_str(), stderr);
		_exit(warnings().find("CAP_NET_ADMIN") != std::string::npos && !testing::Test::HasFailure() ? 0 : 4);
	}
	int status;
	waitpid(child, &status, 0);
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child ended with status " << status;
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// The plugin over loopback on plain TCP: what NCCL relies on, and what goes wrong in real life.
#include <arpa/inet.h>
#include <atomic>
#include <dirent.h>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <signal.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "fake_peer.h"
#include "plugin_fixture.h"

using namespace harness;

namespace {

unsigned int count_entries(const char *path)
{
	unsigned int n = 0;
	DIR *dir = opendir(path);

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST_F(Plugin, FillsEveryPropertyThatNcclCopies)
{
	Side side;
	ncclNetProperties_v11_t properties = side.properties();

	EXPECT_STREQ("lo", properties.name);
	EXPECT_EQ(nullptr, properties.pciPath);
	EXPECT_EQ(NCCL_PTR_HOST, properties.ptrSupport);
	EXPECT_EQ(1, properties.vProps.ndevs);
	EXPECT_EQ(0, properties.vProps.devs[0]);
	EXPECT_EQ(1, properties.maxRecvs);
	EXPECT_GT(properties.maxComms, 0);
	EXPECT_GT(properties.speed, 0);
	EXPECT_EQ(NCCL_NET_DEVICE_HOST, properties.netDeviceType);
	EXPECT_GT(properties.maxP2pBytes, 0u);
	EXPECT_LE(properties.maxP2pBytes, NCCL_MAX_NET_SIZE_BYTES);
	EXPECT_EQ(1, properties.maxMultiRequestSize);
}

TEST_F(Plugin, PropertyStringsOutliveFinalize)
{
	Side side;
	ncclNetProperties_v11_t properties = side.properties();

	side.finalize();
	EXPECT_STREQ("lo", properties.name);
}

TEST_F(Plugin, ShowsItsTablesAndNothingElse)
{
	std::string command = "nm -D --defined-only " + std::string(getenv("DEVMEM_BUILD")) + "/lib/libnccl-net-devmem.so";
	FILE *pipe = popen(command.c_str(), "r");
	char address[64], type[8], name[256];
	std::set<std::string> names;

	while (fscanf(pipe, "%63s %7s %255s", address, type, name) == 3)
		names.insert(name);
	EXPECT_EQ(0, pclose(pipe));
	EXPECT_EQ((std::set<std::string>{"ncclNetPlugin_v10", "ncclNetPlugin_v11", "ncclNetPlugin_v12", "ncclNetPlugin_v6",
					 "ncclNetPlugin_v7", "ncclNetPlugin_v8", "ncclNetPlugin_v9"}),
		  names);
}

TEST_F(Plugin, DeliversMessagesOfAllSizes)
{
	Side a, b;
	Pair pair(a, b);

	for (size_t size : {size_t(0), size_t(1), size_t(15), size_t(4096), size_t(65537), size_t(1) << 20, size_t(5'000'003)})
		transfer(pair, size, size);
	transfer(pair, 0, 1 << 20);
	transfer(pair, 100, 1 << 20);
	EXPECT_EQ("", warnings());
}

TEST_F(Plugin, RefusesAMessageLargerThanItsReceiveWithBothNumbers)
{
	Side a, b;
	Pair pair(a, b);
	std::vector<uint8_t> out(2000), in(1000);
	int size;
	void *recv = post_recv(pair, in.data(), in.size());

	post_send(pair, out.data(), out.size());
	double deadline = now() + 5;
	int done = 0;
	ncclResult_t result = ncclSuccess;
	while (result == ncclSuccess && now() < deadline) {
		result = b.net->test(recv, &done, &size);
		post_send(pair, out.data(), 0);	/* moves the sender along */
	}
	EXPECT_EQ(ncclInvalidUsage, result);
	EXPECT_NE(std::string::npos, warnings().find("2000")) << warnings();
	EXPECT_NE(std::string::npos, warnings().find("1000")) << warnings();
}

TEST_F(Plugin, GivesNoRequestWhenThirtyTwoAreUnderWay)
{
	Side a, b;
	Pair pair(a, b);
	uint8_t byte = 0;
	void *requests[32];

	for (auto &request : requests) {
		request = post_recv(pair, &byte, 1);
		ASSERT_NE(nullptr, request);
	}
	EXPECT_EQ(nullptr, post_recv(pair, &byte, 1));
	void *send = post_send(pair, &byte, 1);
	int size;
	wait_both(a, send, b, requests[0], &size);
	EXPECT_NE(nullptr, post_recv(pair, &byte, 1));
}

TEST_F(Plugin, KeepsOrderWithManyMessagesUnderWay)
{
	Side a, b;
	Pair pair(a, b);
	std::mt19937 random(1);
	constexpr int kMessages = 2000, kDepth = 24;
	std::vector<std::vector<uint32_t>> out(kDepth), in(kDepth);
	std::vector<void *> sends(kDepth), recvs(kDepth);
	int sent = 0, send_done = 0, received = 0, recv_done = 0;
	double deadline = now() + 60;

	while (recv_done < kMessages || send_done < kMessages) {
		ASSERT_LT(now(), deadline);
		if (received < kMessages && received - recv_done < kDepth) {
			auto &buffer = in[static_cast<size_t>(received % kDepth)];
			buffer.assign(3000, 0);
			recvs[static_cast<size_t>(received % kDepth)] = post_recv(pair, buffer.data(), buffer.size() * 4);
			received++;
		}
		if (sent < kMessages && sent - send_done < kDepth) {
			auto &buffer = out[static_cast<size_t>(sent % kDepth)];
			buffer.assign(1 + random() % 3000, static_cast<uint32_t>(sent));
			sends[static_cast<size_t>(sent % kDepth)] = post_send(pair, buffer.data(), buffer.size() * 4);
			sent++;
		}
		int done = 0, size = 0;
		if (send_done < sent) {
			ASSERT_EQ(ncclSuccess, a.net->test(sends[static_cast<size_t>(send_done % kDepth)], &done, nullptr)) << warnings();
			send_done += done;
		}
		if (recv_done < received) {
			auto &buffer = in[static_cast<size_t>(recv_done % kDepth)];
			ASSERT_EQ(ncclSuccess, b.net->test(recvs[static_cast<size_t>(recv_done % kDepth)], &done, &size)) << warnings();
			for (int i = 0; done && i < size / 4; i++)
				ASSERT_EQ(static_cast<uint32_t>(recv_done), buffer[static_cast<size_t>(i)]);
			recv_done += done;
		}
	}
}

// Its record must wait until those bytes, which go by the same socket, are all out.
TEST_F(Plugin, SendsAMessageAtOnceWhenNoneIsUnderWay)
{
	Side a, b;
	Pair pair(a, b);
	char in[64], out[64] = "not tested by its sender before it has arrived";
	int size = 0;

	for (int round = 0; round < 3; round++) {
		void *recv = post_recv(pair, in, sizeof(in));
		void *send = post_send(pair, out, sizeof(out));
		memset(in, 0, sizeof(in));
		ASSERT_EQ(ncclSuccess, wait_for(b, recv, &size)) << warnings();
		EXPECT_STREQ(out, in);
		ASSERT_EQ(ncclSuccess, wait_for(a, send, &size)) << warnings();
	}
}

TEST_F(Plugin, AnEmptyMessageDoesNotComeAmongTheBytesOfTheOneBefore)
{
	Side a, b;
	Pair pair(a, b);
	std::vector<uint8_t> out(64 << 20), in(out.size());
	int done = 0, got = -1;
	char nothing;

	for (size_t i = 0; i < out.size(); i++)
		out[i] = static_cast<uint8_t>(i % 251);
	void *recvs[] = {post_recv(pair, in.data(), in.size()), post_recv(pair, &nothing, 1)};
	ASSERT_EQ(ncclSuccess, b.net->test(recvs[0], &done, nullptr)) << "tells the sender what to do";
	void *sends[] = {post_send(pair, out.data(), out.size()), post_send(pair, &nothing, 0)};
	// More than fits into the sockets: the first stands in the middle of its bytes.
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(ncclSuccess, a.net->test(sends[0], &done, nullptr));
	ASSERT_FALSE(done);
	wait_both(a, sends[0], b, recvs[0], &got);
	EXPECT_EQ(static_cast<int>(out.size()), got);
	EXPECT_TRUE(out == in);
	wait_both(a, sends[1], b, recvs[1], &got);
	EXPECT_EQ(0, got);
}

TEST_F(Plugin, AcceptsSeveralConnectionsOnOneListener)
{
	Side a, b;
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listener, *sends[4], *recvs[4];

	ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
	for (int i = 0; i < 4; i++)
		establish(a, b, handle, listener, &sends[i], &recvs[i]);
	EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(ncclSuccess, a.net->closeSend(sends[i]));
		EXPECT_EQ(ncclSuccess, b.net->closeRecv(recvs[i]));
	}
}

TEST_F(Plugin, ReturnsNullCommUntilPeerHelloArrives)
{
	Side b;
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listener, *recv;

	ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(ncclSuccess, b.accept(listener, &recv));
		EXPECT_EQ(nullptr, recv);
	}
	EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
}

TEST_F(Plugin, StrangersOnTheControlPortDoNotDisturbThePeer)
{
	Side a, b;
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listener, *send, *recv;

	ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
	int silent = knock(handle), garbage = knock(handle), wrong = knock(handle), half = knock(handle);
	std::string text(100, 'x');
	EXPECT_EQ(100, write(garbage, text.data(), text.size()));
	wire_hello hello = {};
	uint8_t bytes[WIRE_HELLO_BYTES];
	wire_put_hello(bytes, &hello);
	EXPECT_EQ(WIRE_HELLO_BYTES, write(wrong, bytes, sizeof(bytes)));
	EXPECT_EQ(10, write(half, bytes, 10));
	establish(a, b, handle, listener, &send, &recv);
	EXPECT_NE(std::string::npos, infos().find("no devmem hello")) << infos();
	EXPECT_NE(std::string::npos, infos().find("nonce is wrong")) << infos();
	EXPECT_EQ(0, read(garbage, bytes, 1) > 0) << "a stranger must be hung up on";
	for (int fd : {silent, garbage, wrong, half})
		close(fd);
	EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
	EXPECT_EQ(ncclSuccess, a.net->closeSend(send));
	EXPECT_EQ(ncclSuccess, b.net->closeRecv(recv));
	EXPECT_EQ("", warnings());
}

TEST_F(Plugin, RefusesAHandleOfAnotherPluginOrVersion)
{
	Side a;
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE] = "something else";
	void *send;

	EXPECT_EQ(ncclRemoteError, a.connect(handle, &send));
	EXPECT_NE(std::string::npos, warnings().find("NCCL_NET_PLUGIN")) << warnings();
	wire_handle wire = {};
	wire.control.ss_family = AF_INET;
	wire_put_handle(reinterpret_cast<uint8_t *>(handle), &wire);
	handle[4] = 77;
	EXPECT_EQ(ncclRemoteError, a.connect(handle, &send));
	EXPECT_NE(std::string::npos, warnings().find("version 77")) << warnings();
}

ncclResult_t receive_from_fake(Side &b, const std::vector<uint8_t> &bytes)
{
	FakeSender fake(b);
	char buffer[100];
	void *request = fake.post(buffer, sizeof(buffer));
	int got;

	EXPECT_EQ(static_cast<ssize_t>(bytes.size()), write(fake.fd, bytes.data(), bytes.size()));
	shutdown(fake.fd, SHUT_WR);
	return wait_for(b, request, &got, 5);
}

TEST_F(Plugin, EndsTheConnectionOnControlRecordsThatMakeNoSense)
{
	Side b;
	auto truncated = record(WIRE_MSG, WIRE_INLINE, 0, 4);

	truncated.resize(7);
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, truncated));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(WIRE_MSG, WIRE_INLINE, 5, 4)));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(WIRE_MSG, WIRE_DATA, 0, 4)));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(WIRE_GRANT, WIRE_INLINE, 0, 0)));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(WIRE_CHUNK, WIRE_INLINE, 0, 4)));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(WIRE_MSG, WIRE_CHUNKS, 0, 4)));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(99, 0, 0, 0)));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(WIRE_FIN, WIRE_INLINE, 0, 0)));
	EXPECT_EQ(ncclInvalidUsage, receive_from_fake(b, record(WIRE_MSG, WIRE_INLINE, 0, 101)));
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, record(WIRE_MSG, WIRE_INLINE, 0, 50)));
}

TEST_F(Plugin, TellsWhyThePeerGaveUp)
{
	Side b;
	std::vector<uint8_t> bytes = record(WIRE_ABORT, 0, EIO, 15);
	std::string text = "a GPU\n caught f";

	bytes.insert(bytes.end(), text.begin(), text.end());
	EXPECT_EQ(ncclRemoteError, receive_from_fake(b, bytes));
	EXPECT_NE(std::string::npos, warnings().find("the peer gave up: a GPU? caught")) << warnings();
	EXPECT_NE(std::string::npos, warnings().find(strerror(EIO))) << warnings();
}

TEST_F(Plugin, TellsThatThePeerWasKilledWithinTwoSeconds)
{
	alignas(8) static char handle[NCCL_NET_HANDLE_MAXSIZE];
	Side b;
	void *listener;

	ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
	pid_t child = fork();
	if (child == 0) {
		Side a;
		void *send = nullptr, *request = nullptr;
		std::vector<uint8_t> half(1 << 20);
		while (!send)
			a.connect(handle, &send);
		for (;;) {
			int done = 0;
			a.net->isend(send, half.data(), half.size(), 0, nullptr, nullptr, &request);
			while (request && !done)
				a.net->test(request, &done, nullptr);
		}
	}
	void *recv = nullptr, *request = nullptr, *mhandle = nullptr;
	double deadline = now() + 10;
	while (!recv && now() < deadline)
		ASSERT_EQ(ncclSuccess, b.accept(listener, &recv));
	std::vector<uint8_t> buffer(1 << 20);
	void *data = buffer.data();
	size_t size = buffer.size();
	int tag = 0, got;
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(ncclSuccess, b.net->irecv(recv, 1, &data, &size, &tag, &mhandle, nullptr, &request));
		ASSERT_EQ(ncclSuccess, wait_for(b, request, &got));
	}
	kill(child, SIGKILL);
	double killed = now();
	ncclResult_t result = ncclSuccess;
	while (result == ncclSuccess && now() < killed + 5) {
		result = b.net->irecv(recv, 1, &data, &size, &tag, &mhandle, nullptr, &request);
		if (result == ncclSuccess && request)
			result = wait_for(b, request, &got, 3);
	}
	EXPECT_EQ(ncclRemoteError, result);
	EXPECT_LT(now() - killed, 2.0);
	EXPECT_NE(std::string::npos, warnings().find("127.0.0.1")) << warnings();
	EXPECT_NE(std::string::npos, warnings().find("see the log of that rank")) << warnings();
	waitpid(child, nullptr, 0);
	EXPECT_EQ(ncclSuccess, b.net->closeRecv(recv));
	EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
}

TEST_F(Plugin, ClosesWithRequestsUnderWay)
{
	Side a, b;
	std::vector<uint8_t> buffer(8 << 20);

	for (int i = 0; i < 20; i++) {
		Pair pair(a, b);
		post_recv(pair, buffer.data(), buffer.size());
		post_send(pair, buffer.data(), buffer.size());
	}
}

TEST_F(Plugin, SenderMayCloseBeforeTheReceiverHasReadAll)
{
	Side a, b;
	Pair pair(a, b);
	std::vector<uint8_t> out(60'000, 7), in(300'000);
	std::vector<void *> recvs;
	uint8_t first = 0;
	int size;

	void *recv = post_recv(pair, &first, 1);
	void *send = post_send(pair, &first, 1);
	wait_both(a, send, b, recv, &size);
	for (int i = 0; i < 5; i++) {
		send = post_send(pair, out.data(), out.size());
		ASSERT_EQ(ncclSuccess, wait_for(a, send, &size));
		recvs.push_back(post_recv(pair, in.data() + 60'000 * i, 60'000));
	}
	pair.close_send();
	for (void *one : recvs)
		ASSERT_EQ(ncclSuccess, wait_for(b, one, &size)) << warnings();
	EXPECT_EQ(std::vector<uint8_t>(300'000, 7), in);
}

// Without privilege and with next to no memory that may be locked, the kernel refuses to send without a copy.
TEST_F(Plugin, HostMemoryThatMayNotBeLockedIsCopied)
{
	pid_t child = fork();

	if (child == 0) {
		rlimit none = {4096, 4096};
		setrlimit(RLIMIT_MEMLOCK, &none);
		(void)!setresuid(65534, 65534, 65534);
		alarm(30);
		{
			Side a, b;
			Pair pair(a, b);
			transfer(pair, 3 << 20, 3 << 20);
		}
		_exit(HasFailure() || !warnings().empty());
	}
	int status = 0;
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

// NCCL's service thread connects, registers and closes while its progress thread moves data on other connections.
TEST_F(Plugin, ConnectsAndRegistersWhileAnotherThreadTransfers)
{
	Side a, b;
	Pair busy(a, b);
	std::atomic<bool> stop{false};
	std::thread service([&] {
		std::vector<uint8_t> buffer(10'000);
		while (!stop) {
			Pair pair(a, b);
			void *mhandle = nullptr;
			ncclNetProperties_v11_t properties;
			EXPECT_EQ(ncclSuccess, a.net->getProperties(0, &properties));
			EXPECT_EQ(ncclSuccess, a.net->regMr(pair.send, buffer.data(), buffer.size(), NCCL_PTR_CUDA, &mhandle));
			EXPECT_EQ(ncclSuccess, a.net->deregMr(pair.send, mhandle));
		}
	});
	for (int i = 0; i < 500; i++)
		transfer(busy, 20'000, 20'000);
	stop = true;
	service.join();
	EXPECT_EQ("", warnings());
}

TEST_F(Plugin, LoadingThreeTimesLeavesNothingBehind)
{
	{
		Side warm_up, other;
		Pair pair(warm_up, other);
		transfer(pair, 1000, 1000);
	}
	unsigned int fds = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
	for (int i = 0; i < 3; i++) {
		Side a, b;
		Pair pair(a, b);
		transfer(pair, 1 << 20, 1 << 20);
	}
	EXPECT_EQ(fds, count_entries("/proc/self/fd"));
	EXPECT_EQ(threads, count_entries("/proc/self/task"));
}

TEST_F(Plugin, CommsMayBeClosedAfterFinalize)
{
	Side a, b;
	Pair pair(a, b);

	a.finalize();
	b.finalize();
	transfer(pair, 1000, 1000);
}

TEST_F(Plugin, NamesTheNearestVariableForAMisspeltOne)
{
	setenv("NCCL_DEVMEM_POOLMB", "5", 1);
	Side a;
	unsetenv("NCCL_DEVMEM_POOLMB");
	EXPECT_NE(std::string::npos, warnings().find("did you mean NCCL_DEVMEM_POOL_MB?")) << warnings();
}

TEST_F(Plugin, RefusesAValueThatCannotBe)
{
	setenv("NCCL_DEVMEM_PLAN", "fast", 1);
	Side a([] {}, ncclInvalidArgument);
	unsetenv("NCCL_DEVMEM_PLAN");
	EXPECT_NE(std::string::npos, warnings().find("auto|host")) << warnings();
}

TEST_F(Plugin, RequireMakesTheLackOfADeviceAnError)
{
	setenv("NCCL_DEVMEM_REQUIRE", "1", 1);
	setenv("NCCL_DEVMEM_MEMORY", "auto", 1);
	Side a([] {}, ncclSystemError);
	unsetenv("NCCL_DEVMEM_REQUIRE");
	EXPECT_NE(std::string::npos, warnings().find("device memory TCP is required and there is no device: no ")) << warnings();
}

TEST_F(Plugin, TellsThatNcclGoesOnWithoutItUnlessItMustNot)
{
	setenv("NCCL_SOCKET_IFNAME", "=nosuchnic", 1);
	Side without([] {}, ncclSystemError);
	EXPECT_NE(std::string::npos, warnings().find("set NCCL_NET=devmem")) << warnings();
	clear_logs();
	setenv("NCCL_NET", "DevMem", 1);
	Side with([] {}, ncclSystemError);
	unsetenv("NCCL_NET");
	EXPECT_EQ(std::string::npos, warnings().find("goes on with another transport")) << warnings();
	EXPECT_NE(std::string::npos, warnings().find("could not start")) << warnings();
}

// lo is the last resort, so it is chosen before others only by what is asked for here.
TEST_F(Plugin, TakesTheInterfaceInTheSubnetOfTheCommId)
{
	unsetenv("NCCL_SOCKET_IFNAME");
	for (const char *id : {"127.0.0.9:4321", "localhost:4321"}) {
		setenv("NCCL_COMM_ID", id, 1);
		Side side;
		EXPECT_STREQ("lo", side.properties().name) << id;
	}
	unsetenv("NCCL_COMM_ID");
	setenv("NCCL_DEVMEM_IFNAME", "=lo", 1);
	setenv("NCCL_SOCKET_IFNAME", "=nosuchnic", 1);
	Side side;
	unsetenv("NCCL_DEVMEM_IFNAME");
	EXPECT_STREQ("lo", side.properties().name) << "the plugin's own variable goes first";
}

TEST_F(Plugin, SaysThatAnInterfaceHasNoAddressOfTheFamily)
{
	setenv("NCCL_SOCKET_FAMILY", "AF_INET6", 1);
	Side a([] {}, ncclSystemError);
	EXPECT_NE(std::string::npos, warnings().find("an address of IPv6 matches '=lo'")) << warnings();
}

TEST_F(Plugin, SaysWhichInterfacesThereAreNot)
{
	setenv("NCCL_SOCKET_IFNAME", "=nosuchnic", 1);
	Side a([] {}, ncclSystemError);
	EXPECT_NE(std::string::npos, warnings().find("nosuchnic")) << warnings();
}

} // namespace

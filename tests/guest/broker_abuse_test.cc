// SPDX-License-Identifier: BSD-3-Clause
// What no client gets devmemd to do, and that none of them is waited for.
#include "broker_fixture.h"

#include <cerrno>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "uapi/devmem_uapi.h"

extern "C" {
#include "bind.h"
#include "nl.h"
}

namespace {

// Sends a hello with copies of `fd`, as many as `n`.
ssize_t send_hello(int connection, int fd, unsigned int n)
{
	uint8_t bytes[BROKER_REQUEST_BYTES];
	broker_request hello = {};
	std::vector<char> control(CMSG_SPACE(n * sizeof(int)));
	iovec piece = {bytes, sizeof(bytes)};
	msghdr msg = {};

	hello.type = BROKER_HELLO;
	broker_put_request(bytes, &hello);
	msg.msg_iov = &piece;
	msg.msg_iovlen = 1;
	msg.msg_control = control.data();
	msg.msg_controllen = control.size();
	cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (unsigned int i = 0; i < n; i++)
		memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(fd));
	return sendmsg(connection, &msg, MSG_NOSIGNAL);
}

// ---- what a client cannot do

TEST_F(Broker, OtherDescriptorsThanDmabufsBindNothing)
{
	run_as(kUser, [&] {
		int pair[2], pipes[2];
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		ASSERT_EQ(0, pipe(pipes));
		const int fds[] = {open("/dev/null", O_RDWR), open("/dev/udmabuf", O_RDWR), open("/dev/udmabuf", O_PATH), open("/proc/version", O_RDONLY),
				   open("/", O_RDONLY | O_DIRECTORY), memfd_create("m", 0), eventfd(0, 0), epoll_create1(0), socket(AF_INET, SOCK_STREAM, 0),
				   socket(AF_NETLINK, SOCK_RAW, 16), pair[0], pipes[0], pipes[1], broker_connect(kSocket, nullptr)};
		for (int fd : fds) {
			claim *mine = nullptr;
			ASSERT_GE(fd, 0);
			EXPECT_NE(0, lease(1, fd, &mine)) << fd;
			EXPECT_EQ(nullptr, mine);
			EXPECT_NE(nullptr, strstr(err.text, "bind-rx of a dmabuf to dm0 failed")) << err.text;
		}
	});
	EXPECT_TRUE(nothing_is_left());
	EXPECT_TRUE(serves());
}

TEST_F(Broker, ALeaseWithoutADescriptorIsRefused)
{
	run_as(kUser, [&] {
		claim *mine = nullptr;
		EXPECT_EQ(-EBADF, lease(1, -1, &mine));
		EXPECT_NE(nullptr, strstr(err.text, "needs the dmabuf")) << err.text;
	});
}

TEST_F(Broker, DescriptorsThatNobodyAskedForAreDropped)
{
	unsigned int before = (usleep(100'000), daemon.descriptors());
	run_as(kUser, [&] {
		for (unsigned int n : {1u, 2u, 3u, 10u, 253u}) {
			int fd = broker_connect(kSocket, &err);
			EXPECT_EQ(BROKER_REQUEST_BYTES, send_hello(fd, fd, n));
			uint8_t answer[BROKER_REPLY_BYTES];
			EXPECT_EQ(n == 1 ? static_cast<ssize_t>(sizeof(answer)) : 0, recv(fd, answer, sizeof(answer), 0)) << n;
			close(fd);
		}
	});
	EXPECT_TRUE(serves());
	EXPECT_TRUE(await([&] { return daemon.descriptors() == before; }, 1)) << daemon.descriptors() << ", before " << before;
}

TEST_F(Broker, WhatIsNoRequestEndsTheConnectionOnly)
{
	run_as(kUser, [&] {
		uint8_t bytes[100'000] = {};
		broker_request hello = {};
		hello.type = BROKER_HELLO;
		broker_put_request(bytes, &hello);
		for (size_t size : {size_t{1}, size_t{7}, size_t{63}, size_t{65}, size_t{66}, sizeof(bytes)}) {
			int fd = broker_connect(kSocket, &err);
			EXPECT_EQ(static_cast<ssize_t>(size), send(fd, bytes, size, MSG_NOSIGNAL)) << strerror(errno);
			EXPECT_EQ(0, recv(fd, bytes + 200, 1000, 0)) << size;
			close(fd);
		}
		int fd = broker_connect(kSocket, &err);
		broker_reply reply;
		uint8_t answer[BROKER_REPLY_BYTES];
		bytes[4]++;
		EXPECT_EQ(BROKER_REQUEST_BYTES, send(fd, bytes, BROKER_REQUEST_BYTES, 0));
		ASSERT_EQ(BROKER_REPLY_BYTES, recv(fd, answer, sizeof(answer), 0)) << "another version is told";
		EXPECT_EQ(0, broker_get_reply(answer, sizeof(answer), &reply));
		EXPECT_EQ(-EPROTONOSUPPORT, reply.status);
		close(fd);
	});
	EXPECT_TRUE(serves());
}

TEST_F(Broker, AUserOutsideOfThePolicyChangesNothing)
{
	pid_t holding = holder(kUser, 1);
	uint32_t id = leases()[0].lease;
	run_as(kStranger, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		EXPECT_EQ(-EACCES, lease(1, memory.mem->dmabuf_fd, &mine));
		EXPECT_NE(nullptr, strstr(err.text, "does not lease queues to user 1002: add the user to group devmem")) << err.text;
		int fd = broker_connect(kSocket, &err);
		for (broker_type type : {BROKER_HELLO, BROKER_RELEASE, BROKER_LIST, BROKER_STATS}) {
			broker_request request = {};
			broker_reply reply;
			request.type = type;
			request.lease = id;
			EXPECT_EQ(-EACCES, broker_ask(fd, &request, &reply, &err)) << type;
			EXPECT_EQ(0u, reply.stats.granted);
		}
		close(fd);
	});
	EXPECT_EQ(1, rules_of_host1());
	EXPECT_EQ(1u, bound_queues(nic));
	kill_and_wait(&holding);
}

TEST_F(Broker, OnlyTheOwnerAndRootReleaseALease)
{
	pid_t holding = holder(kUser, 1);
	broker_request release = {};
	release.type = BROKER_RELEASE;
	release.lease = leases()[0].lease;
	auto ask = [&] {
		broker_reply reply;
		int fd = broker_connect(kSocket, &err), ret = broker_ask(fd, &release, &reply, &err);
		close(fd);
		return ret;
	};

	run_as(kOther, [&] { EXPECT_EQ(-EPERM, ask()); });
	EXPECT_EQ(1, rules_of_host1());
	EXPECT_EQ(0, ask()) << err.text;
	EXPECT_EQ(0, rules_of_host1());
	EXPECT_EQ(-ENOENT, ask());
	kill_and_wait(&holding);
}

TEST_F(Broker, AnotherNetworkNamespaceIsRefused)
{
	enter_host(0);
	run_as(kUser, [&] {
		EXPECT_EQ(-EXDEV, broker_hello(kSocket, &err));
		EXPECT_NE(nullptr, strstr(err.text, "serves another network namespace")) << err.text;
	});
	enter_host(1);
}

TEST_F(Broker, UnknownNicsAndForeignAddressesAreRefused)
{
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		strcpy(nic.name, "nosuch0");
		EXPECT_EQ(-ENODEV, lease(1, memory.mem->dmabuf_fd, &mine));
		EXPECT_NE(nullptr, strstr(err.text, "sees no network device nosuch0")) << err.text;
		strcpy(nic.name, "lo");
		EXPECT_NE(0, lease(1, memory.mem->dmabuf_fd, &mine));
		strcpy(nic.name, "dm0");
		nic.addr = host_address(0, AF_INET, 0);
		EXPECT_EQ(-EADDRNOTAVAIL, lease(1, memory.mem->dmabuf_fd, &mine));
	});
}

TEST_F(Broker, APortThatItsUserGaveUpIsNobodyElses)
{
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		ASSERT_EQ(0, lease(1, memory.mem->dmabuf_fd, &mine)) << err.text;
		sockaddr_storage address = host_address(1, AF_INET, mine->queues[0].port);
		ASSERT_EQ(0, shutdown(mine->queues[0].sockets[0].fd, SHUT_RDWR));
		int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		EXPECT_EQ(-1, bind(fd, reinterpret_cast<sockaddr *>(&address), address_length(address)));
		EXPECT_EQ(EADDRINUSE, errno);
		close(fd);
		claim_close(mine);
	});
}

TEST_F(Broker, TheJournalIsNotTheClientsToWrite)
{
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		ASSERT_EQ(0, lease(1, memory.mem->dmabuf_fd, &mine)) << err.text;
		int lock = mine->queues[0].lock;
		EXPECT_EQ(-1, pwrite(lock, "rule", 4, 0));
		EXPECT_EQ(-1, ftruncate(lock, 0));
		EXPECT_EQ(-1, open(("/proc/self/fd/" + std::to_string(lock)).c_str(), O_RDWR));
		claim_close(mine);
	});
}

// The netlink socket has been opened with the privilege; using it takes the privilege again.
TEST_F(Broker, TheBindingsSocketGivesNoPrivilege)
{
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		ASSERT_EQ(0, lease(1, memory.mem->dmabuf_fd, &mine)) << err.text;
		devmem_binding *own = nullptr;
		EXPECT_EQ(-EPERM, devmem_bind_rx(nic.ifindex, memory.mem->dmabuf_fd, (const unsigned int[]){1}, 1, &own, &err));
		nl_call call;
		ASSERT_EQ(0, nl_call_open(&call, DEVMEM_NETDEV_FAMILY));
		struct {
			nlmsghdr head;
			genlmsghdr command;
		} request = {};
		struct {
			nlmsghdr head;
			nlmsgerr error;
			char more[256];
		} answer = {};
		request.head.nlmsg_len = sizeof(request);
		request.head.nlmsg_type = static_cast<uint16_t>(call.family);
		request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		request.command.cmd = DEVMEM_NETDEV_CMD_BIND_RX;
		request.command.version = 1;
		ASSERT_EQ(static_cast<ssize_t>(sizeof(request)), send(binding_fd(mine->binding), &request, sizeof(request), 0));
		ASSERT_GT(recv(binding_fd(mine->binding), &answer, sizeof(answer), 0), 0);
		EXPECT_EQ(-EPERM, answer.error.error);
		nl_call_close(&call);
		claim_close(mine);
	});
}

// ---- nobody is waited for

TEST_F(Broker, ServesWhileClientsDoNotRead)
{
	pid_t slow = start_as(kUser, [&] {
		uint8_t bytes[BROKER_REQUEST_BYTES];
		broker_request list = {};
		list.type = BROKER_STATS;
		broker_put_request(bytes, &list);
		int fd = broker_connect(kSocket, &err);
		while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
			;
		return errno == EPIPE || errno == ECONNRESET ? 0 : 1;
	});
	int status;
	EXPECT_TRUE(serves(kOther));
	ASSERT_EQ(slow, waitpid(slow, &status, 0));
	EXPECT_EQ(0, status) << "the slow one was not disconnected";
	EXPECT_TRUE(serves(kOther));
}

TEST_F(Broker, ClosingWhatClientsSendTakesNoTime)
{
	sockaddr_storage address;
	int listener = listen_on(1, AF_INET, &address, 4096), status = 0;
	// Stopped, so that it has the last copy of each when it goes on.
	kill(daemon.pid, SIGSTOP);
	pid_t bad = start_as(kUser, [&] {
		// Sockets whose last close would wait 1000 s for bytes that nobody reads.
		std::vector<char> much(8 << 20);
		for (int i = 0; i < 5; i++) {
			int fd = socket(AF_INET, SOCK_STREAM, 0);
			linger wait = {1, 1000};
			if (connect(fd, reinterpret_cast<sockaddr *>(&address), address_length(address)))
				return 1;
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait));
			send(fd, much.data(), much.size(), MSG_DONTWAIT);
			if (send_hello(broker_connect(kSocket, &err), fd, 1) < 0)
				return 2;
			close(fd);
		}
		return 0;
	});
	bool ended = await([&] { return waitpid(bad, &status, WNOHANG) == bad; }, 30);
	kill(daemon.pid, SIGCONT);
	EXPECT_TRUE(ended);
	EXPECT_EQ(0, status);
	double from = now_s();
	EXPECT_TRUE(serves(kOther));
	EXPECT_LT(now_s() - from, 3);
	close(listener);
}

TEST_F(Broker, ServesWhileOneUserFloods)
{
	pid_t flood = start_as(kStranger, [] {
		rlimit limit = {4096, 4096};
		setrlimit(RLIMIT_NOFILE, &limit);
		for (int i = 0; i < 10000; i++) {
			int fd = broker_connect(kSocket, nullptr);
			if (i % 8 == 0) // most of them stay
				close(fd);
		}
		return 0;
	});
	double from = now_s();
	EXPECT_TRUE(serves(kUser));
	EXPECT_LT(now_s() - from, 4);
	int status;
	ASSERT_EQ(flood, waitpid(flood, &status, 0));
	EXPECT_TRUE(serves(kUser));
}

// All connections that there may be, by forty users; idle ones go after ten seconds, and nothing is lost meanwhile.
TEST_F(Broker, SurvivesTenThousandConnections)
{
	pid_t holding = holder(kUser, 1);
	std::vector<pid_t> crowd;
	for (uid_t uid = 2000; uid < 2040; uid++)
		crowd.push_back(start_as(uid, [] {
			rlimit limit = {1024, 1024};
			setrlimit(RLIMIT_NOFILE, &limit);
			for (int i = 0; i < 256; i++)
				(void)broker_connect(kSocket, nullptr);
			pause();
			return 0;
		}));
	EXPECT_TRUE(await([&] { return daemon.descriptors() > 9000; }, 60)) << daemon.descriptors();
	EXPECT_TRUE(await([&] { return serves(kOther); }, 30)) << "when the idle ones are gone";
	EXPECT_EQ(1, rules_of_host1());
	for (pid_t &pid : crowd)
		kill_and_wait(&pid);
	EXPECT_TRUE(serves(kOther));
	kill_and_wait(&holding);
}

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// What devmemd does for its clients, and what no client gets it to do.
#include "devmemd.h"

#include <cerrno>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "rss.h"
#include "sockaddr.h"
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

struct Broker : testing::Test {
	void SetUp() override
	{
		ASSERT_EQ(0, chmod("/dev/udmabuf", 0666));
		nic = nic_of_host1();
		daemon.start();
		ASSERT_EQ(0, rules_of_host1());
		ASSERT_EQ(0u, bound_queues(nic));
	}
	void TearDown() override
	{
		EXPECT_TRUE(await([this] { return nothing_is_left(); }, 1)) << rules_of_host1() << " rules, " << bound_queues(nic) << " bound queues";
		daemon.end();
	}
	bool nothing_is_left() { return rules_of_host1() == 0 && bound_queues(nic) == 0; }
	int lease(unsigned int queues, int dmabuf_fd, claim **claim)
	{
		claim_options options = {};
		options.queues = queues;
		options.dmabuf_fd = dmabuf_fd;
		options.receive_buffer = 1 << 20;
		return broker_claim(kSocket, &nic, &options, claim, &err);
	}
	// Starts a client that holds queues until it is killed; returns when it has them.
	pid_t holder(uid_t uid, unsigned int queues)
	{
		int ready[2];
		char byte = 0;
		EXPECT_EQ(0, pipe(ready));
		pid_t pid = start_as(uid, [&] {
			DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
			claim *mine;
			if (lease(queues, memory.mem->dmabuf_fd, &mine)) {
				fprintf(stderr, "%s\n", err.text);
				return 1;
			}
			if (write(ready[1], "", 1) != 1)
				return 1;
			pause();
			return 0;
		});
		close(ready[1]);
		EXPECT_EQ(1, read(ready[0], &byte, 1)) << "the holder got no lease";
		close(ready[0]);
		return pid;
	}
	bool serves(uid_t uid = kUser)
	{
		int status;
		pid_t pid = start_as(uid, [] { return broker_hello(kSocket, nullptr) ? 1 : 0; });
		waitpid(pid, &status, 0);
		return status == 0;
	}
	std::vector<broker_reply> leases()
	{
		std::vector<broker_reply> all;
		int fd = broker_connect(kSocket, &err);
		broker_request list = {};
		broker_reply reply = {};
		list.type = BROKER_LIST;
		while (broker_ask(fd, &list, &reply, nullptr) == 0) {
			all.push_back(reply);
			list.index++;
		}
		EXPECT_EQ(-ENOENT, reply.status);
		close(fd);
		return all;
	}
	Devmemd daemon;
	devmem_nic nic = {};
	devmem_error err = {};
};

// ---- what it is for

TEST_F(Broker, LeasesToAnOrdinaryUserAndTakesBack)
{
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		uint32_t id = 0;
		ASSERT_EQ(0, lease(2, memory.mem->dmabuf_fd, &mine)) << err.text;
		ASSERT_EQ(2u, mine->n_queues);
		for (unsigned int i = 0; i < 2; i++) {
			EXPECT_EQ(0, devmem_queue_binding(nic.ifindex, mine->queues[i].queue, &id, nullptr));
			EXPECT_EQ(devmem_binding_id(mine->binding), id);
		}
		uint32_t locations[4];
		devmem_rule rule;
		ASSERT_EQ(2, devmem_rule_list("dm0", locations, 4, nullptr));
		ASSERT_EQ(0, devmem_rule_get("dm0", locations[0], &rule, nullptr));
		EXPECT_TRUE(rule.queue == mine->queues[0].queue || rule.queue == mine->queues[1].queue);
		claim_close(mine);
		EXPECT_EQ(0, devmem_rule_list("dm0", locations, 4, nullptr)) << "release is answered when the rules are gone";
		EXPECT_EQ(0, devmem_queue_binding(nic.ifindex, nic.rx_queues - 1, &id, nullptr));
		EXPECT_EQ(0u, id);
		ASSERT_EQ(0, lease(2, memory.mem->dmabuf_fd, &mine)) << err.text;
		claim_close(mine);
	});
}

TEST_F(Broker, UndoesEverythingOfAKilledClient)
{
	pid_t client = holder(kUser, 3);
	EXPECT_EQ(3, rules_of_host1());
	EXPECT_EQ(3u, bound_queues(nic));
	kill_and_wait(&client);
	EXPECT_TRUE(await([this] { return nothing_is_left(); }, 1));
}

TEST_F(Broker, ListsWhoHoldsWhat)
{
	pid_t a = holder(kUser, 2), b = holder(kOther, 1);
	std::vector<broker_reply> all = leases();

	ASSERT_EQ(2u, all.size());
	const broker_reply &of_a = all[0].uid == kUser ? all[0] : all[1], &of_b = all[0].uid == kUser ? all[1] : all[0];
	EXPECT_EQ(static_cast<uint32_t>(a), of_a.pid) << "as the kernel knows it, whatever the client says";
	EXPECT_EQ(static_cast<uint32_t>(b), of_b.pid);
	EXPECT_EQ(2u, of_a.n_queues);
	EXPECT_EQ(1u, of_b.n_queues);
	EXPECT_STREQ("dm0", of_b.nic);
	kill_and_wait(&a);
	kill_and_wait(&b);
}

// ---- limits

TEST_F(Broker, OneUserGetsNoMoreThanHalfOfTheQueues)
{
	pid_t holding = holder(kUser, 3);
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr, *more = nullptr;
		ASSERT_EQ(0, lease(4, memory.mem->dmabuf_fd, &mine)) << err.text;
		EXPECT_EQ(1u, mine->n_queues) << "what is left of four";
		EXPECT_EQ(-EDQUOT, lease(1, memory.mem->dmabuf_fd, &more));
		EXPECT_NE(nullptr, strstr(err.text, "user 1000 holds 4 rx queues of dm0, and one user may have 4")) << err.text;
		claim_close(mine);
	});
	run_as(kOther, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr, *more = nullptr;
		ASSERT_EQ(0, lease(8, memory.mem->dmabuf_fd, &mine)) << err.text;
		EXPECT_EQ(4u, mine->n_queues);
		EXPECT_EQ(-EDQUOT, lease(1, memory.mem->dmabuf_fd, &more));
		claim_close(mine);
	});
	kill_and_wait(&holding);
}

TEST_F(Broker, QueuesKeptBoundAfterTheEndOfALeaseStillCount)
{
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr, *more = nullptr;
		ASSERT_EQ(0, lease(4, memory.mem->dmabuf_fd, &mine)) << err.text;
		int kept = dup(binding_fd(mine->binding));
		claim_close(mine);
		EXPECT_EQ(0, devmem_rule_list("dm0", nullptr, 0, nullptr));
		EXPECT_EQ(-EDQUOT, lease(1, memory.mem->dmabuf_fd, &more));
		close(kept);
		EXPECT_EQ(0, lease(4, memory.mem->dmabuf_fd, &more)) << err.text;
		claim_close(more);
	});
}

TEST_F(Broker, MovesOrdinaryTrafficOffLeasedQueuesWhenToldTo)
{
	auto take = [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		int ret = lease(2, memory.mem->dmabuf_fd, &mine);
		claim_close(mine);
		return ret;
	};

	on_host(1, "ethtool -X dm0 equal 8");
	run_as(kUser, [&] {
		EXPECT_EQ(-EBUSY, take());
		EXPECT_NE(nullptr, strstr(err.text, "ordinary traffic is spread over 8 of its 8 queues")) << err.text;
	});
	EXPECT_TRUE(rss_leads_to("dm0", 7));
	daemon.end();
	daemon.start({"--rss-queues", "3"});
	run_as(kUser, [&] { EXPECT_EQ(0, take()) << err.text; });
	for (unsigned int queue = 0; queue < 8; queue++)
		EXPECT_EQ(queue < 3, rss_leads_to("dm0", queue)) << queue;
	// What is narrower stays so.
	on_host(1, "ethtool -X dm0 equal 1");
	run_as(kUser, [&] { EXPECT_EQ(0, take()) << err.text; });
	EXPECT_FALSE(rss_leads_to("dm0", 1));
}

TEST_F(Broker, LeasesOnlyOfTheNicsAndAsManyAsItIsTold)
{
	daemon.end();
	daemon.start({"--interfaces", "=dm0", "--queues-per-user", "1"});
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr, *more = nullptr;
		ASSERT_EQ(0, lease(4, memory.mem->dmabuf_fd, &mine)) << err.text;
		EXPECT_EQ(1u, mine->n_queues);
		strcpy(nic.name, "eth0");
		EXPECT_EQ(-EACCES, lease(1, memory.mem->dmabuf_fd, &more));
		EXPECT_NE(nullptr, strstr(err.text, "was told not to lease queues of eth0")) << err.text;
		claim_close(mine);
	});
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
		ASSERT_EQ(0, shutdown(mine->queues[0].listener, SHUT_RDWR));
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
		for (int i = 0; i < 5; i++) {
			int fd = socket(AF_INET, SOCK_STREAM, 0);
			linger wait = {1, 1000};
			std::vector<char> much(8 << 20);
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
	bool ended = await([&] { return waitpid(bad, &status, WNOHANG) == bad; }, 5);
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

// ---- its own end

TEST_F(Broker, LeasesOutliveItAndCountForTheirUsers)
{
	pid_t client = holder(kUser, 3);
	daemon.end();
	EXPECT_EQ(3, rules_of_host1());
	EXPECT_EQ(3u, bound_queues(nic));
	daemon.start();
	usleep(700'000);
	EXPECT_EQ(3, rules_of_host1()) << "after a look at what is left";
	std::vector<broker_reply> all = leases();
	ASSERT_EQ(3u, all.size());
	EXPECT_EQ(kUser, all[0].uid);
	EXPECT_EQ(0u, all[0].lease);
	run_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine = nullptr;
		ASSERT_EQ(0, lease(4, memory.mem->dmabuf_fd, &mine)) << err.text;
		EXPECT_EQ(1u, mine->n_queues) << "three are held from before";
		claim_close(mine);
	});
	kill_and_wait(&client);
	EXPECT_TRUE(await([this] { return nothing_is_left(); }, 1)) << rules_of_host1();
}

TEST_F(Broker, TrafficGoesOnAfterItsEnd)
{
	int go[2], said[2];
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(said));
	pid_t client = start_as(kUser, [&] {
		DeviceMemory memory(16 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine;
		devmem_stream *stream = nullptr;
		devmem_frag frags[64];
		uint64_t bytes = 0;
		char byte;
		if (lease(1, memory.mem->dmabuf_fd, &mine) || write(said[1], &mine->queues[0].port, 2) != 2)
			return 1;
		pollfd wait = {mine->queues[0].listener, POLLIN, 0};
		poll(&wait, 1, 5000);
		wait.fd = accept_nonblocking(mine->queues[0].listener);
		if (devmem_stream_open(wait.fd, 1 << 20, &stream, &err))
			return 2;
		for (int half = 0; half < 2; half++) {
			for (bytes = 0; bytes < 20'000'000;) {
				unsigned int n = 64;
				ssize_t got = devmem_stream_recv(stream, 1 << 20, frags, &n);
				if (got == -EAGAIN && poll(&wait, 1, 5000) == 1)
					continue;
				if (got <= 0)
					return 3;
				for (unsigned int i = 0; i < n; i++)
					if (frags[i].where != DEVMEM_FRAG_DEVICE || devmem_stream_token_put(stream, frags[i].token))
						return 4;
				devmem_stream_token_flush(stream);
				bytes += static_cast<uint64_t>(got);
			}
			if (!half && (write(said[1], "", 1) != 1 || read(go[0], &byte, 1) != 1))
				return 5;
		}
		return 0;
	});
	uint16_t port = 0;
	char byte = 0;
	int status = 0;
	ASSERT_EQ(2, read(said[0], &port, 2));
	int fd = connect_from(0, host_address(1, AF_INET, port));
	pid_t sender = start_as(kUser, [&] {
		std::vector<char> bytes(64 << 10);
		fcntl(fd, F_SETFL, 0);
		while (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0)
			;
		return 0;
	});
	close(fd);
	enter_host(1);
	ASSERT_EQ(1, read(said[0], &byte, 1)) << "the first half did not come";
	daemon.end();
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(client, waitpid(client, &status, 0));
	EXPECT_EQ(0, status) << "the second half did not come to device memory";
	kill_and_wait(&sender);
	daemon.start();
}

// Clients that connect while it starts find no socket, or one that serves.
TEST_F(Broker, IsThereForEverybodyOrForNobody)
{
	pid_t client = start_as(kUser, [] {
		for (double end = now_s() + 3; now_s() < end;) {
			int ret = broker_hello(kSocket, nullptr);
			if (ret && ret != -ENOENT && ret != -ECONNREFUSED && ret != -EPIPE && ret != -ECONNRESET)
				return -ret;
		}
		return 0;
	});
	int status;
	for (int i = 0; i < 30; i++) {
		daemon.end();
		daemon.start();
	}
	ASSERT_EQ(client, waitpid(client, &status, 0));
	EXPECT_EQ(0, status) << strerror(WEXITSTATUS(status));
}

TEST_F(Broker, ItsSuccessorRemovesWhatADeadClientLeft)
{
	pid_t client = holder(kUser, 2);
	daemon.end();
	kill_and_wait(&client);
	EXPECT_EQ(2, rules_of_host1()) << "nobody was there to remove them";
	EXPECT_TRUE(await([this] { return bound_queues(nic) == 0; }, 1)) << "that, the kernel does";
	daemon.start();
	EXPECT_TRUE(await([this] { return rules_of_host1() == 0; }, 1));
}

TEST_F(Broker, ItsSuccessorRemovesTheRuleOfAPortThatWasGivenUp)
{
	int go[2], done[2];
	char byte = 0;
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(done));
	pid_t client = start_as(kUser, [&] {
		DeviceMemory memory(8 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine;
		if (lease(1, memory.mem->dmabuf_fd, &mine) || write(done[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			return 1;
		close(mine->queues[0].listener);
		if (write(done[1], "", 1) != 1)
			return 1;
		pause();
		return 0;
	});
	ASSERT_EQ(1, read(done[0], &byte, 1));
	daemon.end();
	daemon.start();
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(1, read(done[0], &byte, 1));
	EXPECT_TRUE(await([] { return rules_of_host1() == 0; }, 1));
	kill_and_wait(&client);
}

TEST_F(Broker, IsNotStartedTwice)
{
	int status = 0;
	std::string said = on_host(1, std::string("devmemd --socket ") + kSocket, &status);
	EXPECT_EQ(1, status);
	EXPECT_NE(std::string::npos, said.find("another devmemd serves there")) << said;
	EXPECT_TRUE(serves());
}

TEST_F(Broker, SaysWhatItLacks)
{
	int status = 0;
	std::string said = on_host(1, "setpriv --reuid 1000 --clear-groups --inh-caps=-all devmemd --socket /tmp/x --lease-dir /tmp", &status);
	EXPECT_EQ(1, status);
	EXPECT_NE(std::string::npos, said.find("cannot keep CAP_NET_ADMIN")) << said;
	said = on_host(1, "devmemd --socket /tmp/y --allow-user nobody-of-that-name", &status);
	EXPECT_NE(0, status);
	EXPECT_NE(std::string::npos, said.find("there is no user 'nobody-of-that-name'")) << said;
}

} // namespace

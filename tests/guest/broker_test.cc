// SPDX-License-Identifier: BSD-3-Clause
// What devmemd does for its clients, within limits, and what becomes of leases at its end.
#include "broker_fixture.h"

#include <cerrno>
#include <sys/socket.h>

#include "rss.h"

extern "C" {
#include "bind.h"
}

namespace {

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
		pollfd wait = {mine->queues[0].sockets[0].fd, POLLIN, 0};
		poll(&wait, 1, 5000);
		wait.fd = accept_nonblocking(mine->queues[0].sockets[0].fd);
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
		close(mine->queues[0].sockets[0].fd);
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
	std::string said = on_host(1, "setpriv --reuid 1000 --clear-groups --inh-caps=-all devmemd --socket /tmp/x --lease-dir /tmp/leases-of-a-user", &status);
	EXPECT_EQ(1, status);
	EXPECT_NE(std::string::npos, said.find("cannot keep CAP_NET_ADMIN")) << said;
	said = on_host(1, "devmemd --socket /tmp/y --allow-user nobody-of-that-name", &status);
	EXPECT_NE(0, status);
	EXPECT_NE(std::string::npos, said.find("there is no user 'nobody-of-that-name'")) << said;
}

} // namespace

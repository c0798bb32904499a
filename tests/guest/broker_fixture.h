// SPDX-License-Identifier: BSD-3-Clause
// A devmemd on host 1 for each test, which leaves nothing behind.
#pragma once

#include "devmemd.h"

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

// SPDX-License-Identifier: BSD-3-Clause
// Queues and ports of one's own on a real NIC: who else gets a port, and what is left of a process that was killed in between.
#include <cerrno>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claim.h"
#include "sockaddr.h"
#include "testnet.h"

namespace {

constexpr char kLeases[] = "/run/devmem";

devmem_nic nic_of(int host)
{
	devmem_nic nic = {};
	devmem_error err = {};
	enter_host(host);
	EXPECT_EQ(1, devmem_nic_list("=dm0", AF_INET, &nic, 1, &err)) << err.text;
	return nic;
}

int rules() { return devmem_rule_list("dm0", nullptr, 0, nullptr); }

struct Claim : testing::Test {
	Claim() : nic(nic_of(1)), memory(16 << 20)
	{
		options.queues = 2;
		options.dmabuf_fd = memory.mem->dmabuf_fd;
		options.receive_buffer = 1 << 20;
		options.lease_dir = kLeases;
		options.uid = 1000;
	}
	uint32_t bound(unsigned int queue)
	{
		uint32_t id = 0;
		EXPECT_EQ(0, devmem_queue_binding(nic.ifindex, queue, &id, nullptr));
		return id;
	}
	// 0, or the error of getting the port of `address` with SO_REUSEADDR, for listening.
	int take_port(sockaddr_storage address)
	{
		int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, ret = 0;
		EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		if (bind(fd, reinterpret_cast<sockaddr *>(&address), address_length(address)) || listen(fd, 1))
			ret = errno;
		close(fd);
		return ret;
	}
	devmem_nic nic;
	DeviceMemory memory;
	claim_options options = {};
	devmem_error err = {};
	claim *mine = nullptr;
};

TEST_F(Claim, LeavesNothing)
{
	int before = rules();

	ASSERT_EQ(0, claim_open(&nic, &options, &mine, &err)) << err.text;
	ASSERT_EQ(2u, mine->n_queues);
	EXPECT_EQ(before + 2, rules());
	for (unsigned int i = 0; i < 2; i++)
		EXPECT_EQ(devmem_binding_id(mine->binding), bound(mine->queues[i].queue));
	unsigned int queue = mine->queues[0].queue;
	claim_close(mine);
	EXPECT_EQ(before, rules());
	EXPECT_EQ(0u, bound(queue));
}

TEST_F(Claim, KeepsItsPortsWhateverBecomesOfTheListeners)
{
	for (int family : {AF_INET, AF_INET6}) {
		nic.addr = host_address(1, family, 0);
		options.guard = true;
		ASSERT_EQ(0, claim_open(&nic, &options, &mine, &err)) << err.text;
		sockaddr_storage address = mine->queues[1].rule.dst;
		EXPECT_EQ(mine->queues[1].port, sockaddr_port(&address));
		int listener = mine->queues[1].sockets[0].fd, one = 1;

		EXPECT_EQ(EADDRINUSE, take_port(address)) << "while it listens";
		ASSERT_EQ(0, setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		ASSERT_EQ(0, shutdown(listener, SHUT_RDWR));
		EXPECT_EQ(EADDRINUSE, take_port(address)) << "after shutdown()";
		close(listener);
		mine->queues[1].sockets[0].fd = -1;
		EXPECT_EQ(EADDRINUSE, take_port(address)) << "after close()";
		claim_close(mine);
		EXPECT_EQ(0, take_port(address));
	}
}

// The listener of a guarded claim is an ordinary one to its users.
TEST_F(Claim, GuardedListenersAccept)
{
	options.guard = true;
	ASSERT_EQ(0, claim_open(&nic, &options, &mine, &err)) << err.text;
	int client = connect_from(0, mine->queues[0].rule.dst);
	sockaddr_storage from;
	socklen_t length = sizeof(from);
	int got = -1;
	for (int i = 0; i < 500 && got < 0; i++) {
		got = accept(mine->queues[0].sockets[0].fd, reinterpret_cast<sockaddr *>(&from), &length);
		usleep(1000);
	}
	EXPECT_GE(got, 0);
	close(got);
	close(client);
	enter_host(1);
	claim_close(mine);
}

TEST_F(Claim, OfNoLocalAddressIsRefused)
{
	int before = rules();

	nic.addr = host_address(0, AF_INET, 0);
	EXPECT_EQ(-EADDRNOTAVAIL, claim_open(&nic, &options, &mine, &err));
	EXPECT_EQ(before, rules());
	EXPECT_EQ(0u, bound(nic.rx_queues - 1));
}

// The process dies when the rule is in the NIC, and its place in the table is not in the journal yet.
TEST_F(Claim, RuleOfAProcessKilledWhileItInsertedItIsFound)
{
	int before = rules();
	pid_t child = fork();

	if (child == 0) {
		devmem_rule rule = {};
		lease *lease;
		if (lease_take(&nic, kLeases, nic.rx_queues, &lease, &err))
			_exit(2);
		rule.dst = host_address(1, AF_INET, 12345);
		rule.queue = lease->queue;
		rule.location = 0xffffffff;
		if (lease_journal(lease, &rule) || devmem_rule_add("dm0", &rule, &err))
			_exit(3);
		kill(getpid(), SIGKILL);
	}
	int status;
	waitpid(child, &status, 0);
	ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
	EXPECT_EQ(before + 1, rules());
	EXPECT_EQ(1u, lease_sweep(kLeases, nullptr, nullptr));
	EXPECT_EQ(before, rules());
	EXPECT_EQ(0u, lease_sweep(kLeases, nullptr, nullptr));
}

} // namespace

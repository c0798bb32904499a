// SPDX-License-Identifier: BSD-3-Clause
// Cycles of bind and traffic that end in every way, in random order; nothing may be left of any of them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "transfer.h"

namespace {

constexpr unsigned int kQueue = 2;
constexpr uint16_t kPort = 7000;
constexpr uint64_t kEndless = 1ull << 40;
constexpr int kWrongBytes = 3;

void shell(const std::string &line) { ASSERT_EQ(0, system(line.c_str())) << line; }

void enter(const char *name)
{
	int fd = open((std::string("/run/netns/") + name).c_str(), O_RDONLY | O_CLOEXEC);

	ASSERT_GE(fd, 0) << name;
	ASSERT_EQ(0, setns(fd, CLONE_NEWNET));
	close(fd);
}

// Two hosts of our own, so that they can be deleted.
void make_hosts()
{
	shell("ip netns add churn0 && ip netns add churn1 && ip link add x0 netns churn0 numrxqueues 4 numtxqueues 4 type dmnic "
	      "peer name x0 netns churn1 && for n in 0 1; do ip -n churn$n addr add 10.8.0.$((n + 1))/24 dev x0 && "
	      "ip -n churn$n link set x0 mtu 4148 up && ip netns exec churn$n ethtool -X x0 equal 1 && "
	      "ip netns exec churn$n header-split x0 on || exit 1; done");
}

void delete_hosts() { shell("ip netns del churn0; ip netns del churn1"); }

sockaddr_in address_of(int host)
{
	sockaddr_in address = {};

	address.sin_family = AF_INET;
	address.sin_port = htons(kPort);
	address.sin_addr.s_addr = htonl(0x0a080001u + static_cast<uint32_t>(host));
	return address;
}

// Memory that the children and the test share.
struct Progress {
	volatile uint64_t received;
	volatile int listening, unbound;
};

volatile sig_atomic_t unbind_now;

// The TCP of a process that was killed goes on by itself until the peer has everything or this is over. So long it may hold device memory: what is still to be
// sent, and, at the other end, what came out of order.
void limit_patience(int fd)
{
	unsigned int milliseconds = 2000;

	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}

// Runs for ever; ends by a signal, or with kWrongBytes.
[[noreturn]] void receiver_process(Progress *progress)
{
	devmem_error err = {};
	devmem_binding *binding = nullptr;
	devmem_rule rule = {};
	unsigned int queue = kQueue;
	sockaddr_in address = address_of(1);
	int one = 1;

	signal(SIGUSR1, [](int) { unbind_now = 1; });
	enter("churn1");
	DeviceMemory pool(4 << 20);
	if (devmem_bind_rx(if_nametoindex("x0"), pool.mem->dmabuf_fd, &queue, 1, &binding, &err)) {
		fprintf(stderr, "bind: %s\n", err.text);
		_exit(1);
	}
	memcpy(&rule.dst, &address, sizeof(address));
	rule.queue = queue;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), buffer = 1 << 20;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (devmem_rule_add("x0", &rule, &err) || bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof(address)) ||
	    listen(listener, 1)) {
		fprintf(stderr, "listen: %s\n", err.text[0] ? err.text : strerror(errno));
		_exit(1);
	}
	progress->listening = 1;
	int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
	limit_patience(fd);
	DeviceEndReceiver receiver(fd, kEndless, pool, devmem_binding_id(binding), 1, false);
	receiver.may_end = true;
	while (!receiver.ended) {
		bool moved = receiver.step();
		progress->received = receiver.received;
		if (testing::Test::HasFailure())
			_exit(kWrongBytes);
		if (unbind_now && binding) {
			devmem_binding_release(binding);
			binding = nullptr;
			progress->unbound = 1;
		}
		if (!moved) {
			pollfd wait = {fd, POLLIN, 0};
			poll(&wait, 1, 100);
		}
	}
	for (;;)
		pause();
}

[[noreturn]] void sender_process()
{
	devmem_error err = {};
	devmem_binding *binding = nullptr;
	sockaddr_in address = address_of(1);

	enter("churn0");
	DeviceMemory memory(1 << 20);
	if (devmem_bind_tx(if_nametoindex("x0"), memory.mem->dmabuf_fd, &binding, &err)) {
		fprintf(stderr, "bind-tx: %s\n", err.text);
		_exit(1);
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address))) {
		perror("connect");
		_exit(1);
	}
	limit_patience(fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	DeviceSender sender(fd, kEndless, devmem_binding_id(binding), memory, 2);
	sender.may_end = true;
	while (!sender.ended) {
		bool moved = sender.step();
		if (!moved) {
			pollfd wait = {fd, POLLOUT, 0};
			poll(&wait, 1, 5);
		}
	}
	for (;;)
		pause();
}

bool await(const std::function<bool()> &condition, int seconds)
{
	for (int i = 0; i < seconds * 100; i++) {
		if (condition())
			return true;
		usleep(10'000);
	}
	return condition();
}

unsigned int dmabufs()
{
	std::ifstream info("/sys/kernel/debug/dma_buf/bufinfo");
	std::string line, last;

	while (std::getline(info, line))
		if (line.rfind("Total ", 0) == 0)
			last = line;
	return static_cast<unsigned int>(strtoul(last.c_str() + strlen("Total "), nullptr, 10));
}

uint32_t bound()
{
	uint32_t id = 0;

	enter("churn1");
	unsigned int ifindex = if_nametoindex("x0");
	if (ifindex) {
		EXPECT_EQ(0, devmem_queue_binding(ifindex, kQueue, &id, nullptr));
	}
	return id;
}

class Churn : public testing::Test {
protected:
	void SetUp() override
	{
		progress = static_cast<Progress *>(mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
		enter("host0");
		make_hosts();
		before = dmabufs();
	}
	void TearDown() override
	{
		enter("host0");
		delete_hosts();
		munmap(progress, sizeof(Progress));
	}
	void start()
	{
		*const_cast<Progress *>(progress) = {};
		unsigned int rules = 0;
		enter("churn1");
		// A process that was killed leaves its rule: its location is the only one in use.
		uint32_t location;
		while (devmem_rule_list("x0", &location, 1, nullptr) > 0 && rules++ < 10)
			ASSERT_EQ(0, devmem_rule_del("x0", location, nullptr));
		receiver = fork();
		if (receiver == 0)
			receiver_process(progress);
		ASSERT_TRUE(await([&] { return progress->listening != 0; }, 30)) << "the receiver is not ready";
		sender = fork();
		if (sender == 0)
			sender_process();
		flows("at first");
	}
	void flows(const char *when, uint64_t bytes = 300'000)
	{
		uint64_t from = progress->received;
		ASSERT_TRUE(await([&] { return progress->received >= from + bytes; }, 60))
			<< when << ": " << progress->received - from << " bytes came";
	}
	void end(pid_t *pid)
	{
		int status = 0;
		if (*pid <= 0)
			return;
		kill(*pid, SIGKILL);
		ASSERT_EQ(*pid, waitpid(*pid, &status, 0));
		ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status)) << "a child ended with " << WEXITSTATUS(status);
		*pid = 0;
	}
	void nothing_is_left()
	{
		EXPECT_TRUE(await([] { return bound() == 0; }, 10)) << "a queue is still bound";
		// A killed process' TCP may try for minutes to send what is left, from its device memory, by a NIC that is gone.
		if (await([&] { return dmabufs() == before; }, 20))
			return;
		printf("a dmabuf is still busy after 20 s\n");
		EXPECT_EQ(0, system("cat /proc/net/sockstat /sys/kernel/debug/dma_buf/bufinfo"));
		EXPECT_TRUE(await([&] { return dmabufs() == before; }, 160)) << dmabufs() << " dmabufs, " << before << " before";
	}

	Progress *progress = nullptr;
	unsigned int before = 0;
	pid_t receiver = 0, sender = 0;
};

int cycles()
{
	const char *text = getenv("DEVMEM_CHURN_CYCLES");
	return text ? atoi(text) : 200;
}

TEST_F(Churn, LeavesNothingBehind)
{
	unsigned int seed = static_cast<unsigned int>(time(nullptr));
	if (const char *text = getenv("DEVMEM_CHURN_SEED"))
		seed = static_cast<unsigned int>(strtoul(text, nullptr, 10));
	std::mt19937 random(seed);
	const char *const names[] = {"unbind", "link down and up", "delete the NIC", "kill the receiver", "kill the sender",
				     "header split off", "fewer channels", "delete the namespaces"};
	int counts[8] = {};
	const char *action_text = getenv("DEVMEM_CHURN_ACTION"); // one of names, always
	const int chosen = action_text ? atoi(action_text) % 8 : -1;

	printf("DEVMEM_CHURN_SEED=%u\n", seed);
	for (int cycle = 0; cycle < cycles() && !HasFailure(); cycle++) {
		unsigned int action = chosen >= 0 ? static_cast<unsigned int>(chosen) : random() % 8;
		SCOPED_TRACE(std::string("cycle ") + std::to_string(cycle) + ": " + names[action]);
		counts[action]++;
		start();
		if (HasFatalFailure())
			break;
		enter("churn1");
		switch (action) {
		case 0:
			kill(receiver, SIGUSR1);
			ASSERT_TRUE(await([&] { return progress->unbound != 0; }, 20));
			EXPECT_EQ(0u, bound());
			flows("after unbinding");
			break;
		case 1:
			shell("ip link set x0 down && ip link set x0 up");
			flows("after the link came back");
			break;
		case 2:
			shell("ip link del x0");
			break;
		case 3:
			end(&receiver);
			break;
		case 4:
			end(&sender);
			break;
		case 5:
			EXPECT_EQ(-EINVAL, devmem_nic_set_header_split("x0", false, nullptr));
			flows("after header split stayed on");
			break;
		case 6:
			EXPECT_NE(0, system("ethtool -L x0 rx 2 2>/dev/null"));
			flows("after channels stayed");
			break;
		case 7:
			shell("ip netns del churn0 && ip netns del churn1");
			break;
		}
		// In either order.
		pid_t *first = random() % 2 ? &receiver : &sender;
		end(first);
		end(first == &receiver ? &sender : &receiver);
		enter("host0");
		if (action == 7)
			make_hosts();
		if (action == 2) {
			delete_hosts();
			make_hosts();
		}
		nothing_is_left();
	}
	end(&receiver);
	end(&sender);
	for (int i = 0; i < 8; i++)
		printf("%4d %s\n", counts[i], names[i]);
}

} // namespace

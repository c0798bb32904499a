// SPDX-License-Identifier: BSD-3-Clause
// Client, broker or both are killed at random moments of lease, traffic and release; nothing may be left of any of it.
#include "devmemd.h"

#include <atomic>
#include <cerrno>
#include <random>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sockaddr.h"

namespace {

enum Phase { kIdle, kLeasing, kConnecting, kTraffic, kClosing, kPhases };
const char *const kPhaseNames[] = {"before", "lease", "connect", "traffic", "close"};
enum Target { kClient, kDaemon, kBoth, kTargets };
const char *const kTargetNames[] = {"client", "broker", "both"};

// What the client and the sender tell the test and each other.
struct Progress {
	std::atomic<int> phase;
	std::atomic<unsigned int> port; // 0: none now
	std::atomic<uint64_t> leases, device_bytes, other_bytes;
	std::atomic<int> error; // of the client, an unexpected one
};

bool broker_is_away(int error) { return error == -ENOENT || error == -ECONNREFUSED || error == -EPIPE || error == -ECONNRESET; }

void receive(int fd, Progress *progress, unsigned int queues_binding)
{
	devmem_stream *stream;
	devmem_frag frags[64];

	if (devmem_stream_open(fd, 1 << 20, &stream, nullptr))
		return;
	for (double end = now_s() + 0.01; now_s() < end;) {
		unsigned int n = 64;
		ssize_t got = devmem_stream_recv(stream, 1 << 20, frags, &n);
		if (got == 0 || (got < 0 && got != -EAGAIN))
			break;
		if (got < 0) {
			pollfd wait = {fd, POLLIN, 0};
			poll(&wait, 1, 10);
			continue;
		}
		for (unsigned int i = 0; i < n; i++) {
			bool device = frags[i].where == DEVMEM_FRAG_DEVICE && frags[i].dmabuf_id == queues_binding;
			(device ? progress->device_bytes : progress->other_bytes) += frags[i].len;
			if (frags[i].where == DEVMEM_FRAG_DEVICE)
				devmem_stream_token_put(stream, frags[i].token);
		}
		devmem_stream_token_flush(stream);
	}
	devmem_stream_close(stream);
}

// Leases, receives, releases, again and again.
int client(const devmem_nic &nic, Progress *progress)
{
	claim_options options = {};
	devmem_error err = {};

	for (;;) {
		DeviceMemory memory(16 << 20, DEVMEM_MEM_UDMABUF);
		claim *mine;
		options.queues = 2;
		options.dmabuf_fd = memory.mem->dmabuf_fd;
		options.receive_buffer = 1 << 20;
		progress->phase = kLeasing;
		int ret = broker_claim(kSocket, &nic, &options, &mine, &err);
		if (broker_is_away(ret)) {
			usleep(1000);
			continue;
		}
		if (ret) {
			fprintf(stderr, "lease: %s\n", err.text);
			progress->error = ret;
			return 1;
		}
		progress->leases++;
		progress->phase = kConnecting;
		progress->port = mine->queues[1].port;
		pollfd wait = {mine->queues[1].sockets[0].fd, POLLIN, 0};
		poll(&wait, 1, 100);
		int fd = accept4(mine->queues[1].sockets[0].fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
		progress->port = 0;
		progress->phase = kTraffic;
		if (fd >= 0)
			receive(fd, progress, devmem_binding_id(mine->binding));
		progress->phase = kClosing;
		claim_close(mine);
	}
}

// Sends to whatever port there is.
[[noreturn]] void sender(Progress *progress)
{
	std::vector<char> bytes(64 << 10, 'x');

	enter_host(0);
	for (;;) {
		unsigned int port = progress->port;
		sockaddr_storage to = host_address(1, AF_INET, static_cast<uint16_t>(port));
		int fd = port ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
		timeval patience = {0, 200'000};
		if (fd >= 0)
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr *>(&to), address_length(to)) == 0)
			while (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0)
				;
		if (fd >= 0) {
			linger none = {1, 0};
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
			close(fd);
		}
		usleep(500);
	}
}

struct BrokerKill : testing::Test {
	void SetUp() override
	{
		progress = static_cast<Progress *>(mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
		ASSERT_EQ(0, chmod("/dev/udmabuf", 0666));
		nic = nic_of_host1();
		daemon.start();
		before = all_dmabufs();
		sending = fork();
		if (sending == 0)
			sender(progress);
	}
	void TearDown() override
	{
		kill_and_wait(&running);
		kill_and_wait(&sending);
		daemon.end();
		munmap(progress, sizeof(Progress));
	}
	void start_client()
	{
		uint64_t leases = progress->leases;
		progress->phase = kIdle;
		progress->port = 0;
		enter_host(1);
		running = start_as(kUser, [this] { return client(nic, progress); });
		ASSERT_TRUE(await([&] { return progress->leases > leases || progress->error; }, 5)) << "the next job gets no lease";
		ASSERT_EQ(0, progress->error.load()) << "the next job trips on what was left";
	}
	// The client goes on: it leases from the next broker, and receives to device memory.
	void goes_on()
	{
		uint64_t leases = progress->leases, bytes = progress->device_bytes;
		EXPECT_TRUE(await([&] { return progress->leases > leases + 1 && progress->device_bytes > bytes; }, 10))
			<< "after the broker's restart: " << progress->leases - leases << " leases, " << progress->device_bytes - bytes << " bytes";
	}
	void goes_on_receiving()
	{
		uint64_t bytes = progress->device_bytes;
		EXPECT_TRUE(await([&] { return progress->device_bytes > bytes; }, 10)) << "the next job receives nothing to device memory";
	}
	bool nobody_trips() { return rules_of_host1() == 0 && bound_queues(nic) == 0; }
	bool nothing_is_left() { return nobody_trips() && all_dmabufs() == before; }
	// A pool of pages of which some were still in a socket is looked at again after a second (DEFER_TIME of net/core/page_pool.c), and its
	// dmabuf goes no sooner: then the next job must run beside it.
	void expect_nothing_left()
	{
		double from = now_s();
		if (!await([this] { return nothing_is_left(); }, limit_s)) {
			EXPECT_TRUE(nobody_trips()) << rules_of_host1() << " rules, " << bound_queues(nic) << " bound queues";
			late++;
			start_client();
			goes_on_receiving();
			kill_and_wait(&running);
			EXPECT_TRUE(await([this] { return nothing_is_left(); }, 3 * limit_s)) << all_dmabufs() << " dmabufs, " << before << " before";
		}
		longest = std::max(longest, now_s() - from);
	}
	Devmemd daemon;
	devmem_nic nic = {};
	Progress *progress = nullptr;
	pid_t running = 0, sending = 0;
	unsigned int before = 0;
	const bool slow = getenv("DEVMEM_KILL_SLOW"); // a kernel with all its checks
	unsigned int late = 0; // dmabufs that were left for longer than the limit
	double longest = 0, limit_s = slow ? 10 : 1;
};

int cycles()
{
	const char *text = getenv("DEVMEM_KILL_CYCLES");
	return text ? atoi(text) : 200;
}

TEST_F(BrokerKill, LeavesNothingBehind)
{
	unsigned int seed = static_cast<unsigned int>(time(nullptr));
	if (const char *text = getenv("DEVMEM_KILL_SEED"))
		seed = static_cast<unsigned int>(strtoul(text, nullptr, 10));
	std::mt19937 random(seed);
	int counts[kTargets][kPhases] = {};

	printf("DEVMEM_KILL_SEED=%u\n", seed);
	for (int cycle = 0; cycle < cycles() && !HasFailure(); cycle++) {
		auto target = static_cast<Target>(random() % kTargets);
		SCOPED_TRACE("cycle " + std::to_string(cycle) + ": " + kTargetNames[target]);
		start_client();
		if (HasFatalFailure())
			break;
		usleep(random() % (slow ? 1'000'000 : 100'000));
		counts[target][progress->phase]++;
		bool client_first = random() % 2;
		if (target == kClient || (target == kBoth && client_first))
			kill_and_wait(&running);
		if (target != kClient)
			daemon.end();
		if (target == kBoth)
			kill_and_wait(&running);
		if (target != kClient)
			daemon.start();
		if (target == kDaemon) {
			goes_on();
			kill_and_wait(&running);
		}
		expect_nothing_left();
	}
	EXPECT_LE(late, static_cast<unsigned int>(cycles()) / 20) << "a dmabuf that stays for a second is rare";
	for (int target = 0; target < kTargets; target++)
		for (int phase = 0; phase < kPhases; phase++)
			printf("%4d killed the %s during %s\n", counts[target][phase], kTargetNames[target], kPhaseNames[phase]);
	printf("%lu leases, %lu bytes in device memory, %lu elsewhere; all was gone after %.3f s at most; %u dmabufs were left for longer than the limit\n", static_cast<unsigned long>(progress->leases),
	       static_cast<unsigned long>(progress->device_bytes), static_cast<unsigned long>(progress->other_bytes), longest, late);
}

} // namespace

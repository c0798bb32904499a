// SPDX-License-Identifier: BSD-3-Clause
// devmemctl status beside a job that receives to device memory: its queue, its connections and their rates, its counters.
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "broker_fixture.h"

namespace {

struct Status {
	explicit Status(const std::string &options = "", const std::string &as = "", const std::string &interface = "dm0")
	{
		int status;
		json_error_t error;
		text = on_host(1, "env NCCL_SOCKET_IFNAME=" + interface + " NCCL_DEVMEM_MEMORY=udmabuf " + as + " devmemctl status --json " + options, &status);
		EXPECT_EQ(0, status) << text;
		root = json_loads(text.c_str(), 0, &error);
		EXPECT_NE(nullptr, root) << error.text << text;
	}
	~Status() { json_decref(root); }
	size_t size(const char *part) { return json_array_size(json_object_get(root, part)); }
	json_t *of(const char *part, size_t i, const char *name) { return json_object_get(json_array_get(json_object_get(root, part), i), name); }
	std::string word(const char *part, size_t i, const char *name)
	{
		const char *word = json_string_value(of(part, i, name));
		return word ? word : "";
	}
	bool has(const char *part, size_t i, const char *name) { return of(part, i, name) && !json_is_null(of(part, i, name)); }
	json_int_t number(const char *part, size_t i, const char *name) { return json_integer_value(of(part, i, name)); }
	std::string text;
	json_t *root;
};

// A program on a host that goes on until it is killed.
struct Running {
	Running(int host, std::vector<const char *> words)
	{
		words.push_back(nullptr);
		pid = fork();
		if (pid == 0) {
			enter_host(host);
			execvp(words[0], const_cast<char **>(words.data()));
			_exit(127);
		}
	}
	~Running()
	{
		kill(pid, SIGTERM);
		waitpid(pid, nullptr, 0);
	}
	pid_t pid;
};

bool await_queue()
{
	for (int i = 0; i < 100; i++) {
		Status status("--interval 0.1");
		if (status.size("queues") && status.size("connections"))
			return true;
	}
	return false;
}

TEST(StatusGuest, NothingThereIsNoError)
{
	Status status("--interval 0.1");
	EXPECT_EQ(1u, status.size("devices"));
	EXPECT_EQ("dm0", status.word("devices", 0, "nic"));
	EXPECT_EQ("receive to device memory, send from device memory", status.word("devices", 0, "plan"));
	EXPECT_EQ(0u, status.size("queues"));
	EXPECT_EQ(0u, status.size("connections"));
	EXPECT_EQ(0u, status.size("processes"));
	std::string words = on_host(1, "env NCCL_SOCKET_IFNAME=dm0 devmemctl status --interval 0.1");
	EXPECT_NE(std::string::npos, words.find("No rx queue has device memory bound")) << words;
}

TEST(StatusGuest, ShowsQueuePortProcessAndRate)
{
	Running listener(1, {"devmemcat", "--validate", "--recv-only", "--exporter", "udmabuf", "--pool", "16", "--no-stats", "-l", "10.0.0.2", "5000"});
	ASSERT_TRUE(await([] { return on_host(1, "ss -Hltn sport = :5000") != ""; }, 20)) << "nobody listens";
	Running sender(0, {"devmemcat", "--validate", "--send-only", "--bytes", "500G", "--exporter", "host", "--no-stats", "10.0.0.2", "5000"});
	ASSERT_TRUE(await_queue());
	Status status("--interval 0.5");
	ASSERT_EQ(1u, status.size("queues")) << status.text;
	EXPECT_EQ("dm0", status.word("queues", 0, "nic"));
	EXPECT_EQ("10.0.0.2:5000", status.word("queues", 0, "port"));
	EXPECT_LT(0, status.number("queues", 0, "dmabuf_id"));
	EXPECT_EQ(listener.pid, status.number("queues", 0, "pid"));
	EXPECT_EQ("devmemcat", status.word("queues", 0, "command"));
	EXPECT_TRUE(json_is_true(status.of("queues", 0, "leased")));
	EXPECT_TRUE(status.has("queues", 0, "uid"));
	EXPECT_EQ(0, status.number("queues", 0, "uid"));
	ASSERT_EQ(1u, status.size("connections")) << status.text;
	EXPECT_TRUE(json_is_true(status.of("connections", 0, "device")));
	EXPECT_EQ("10.0.0.2:5000", status.word("connections", 0, "local"));
	EXPECT_EQ(listener.pid, status.number("connections", 0, "pid"));
	EXPECT_LT(0, status.number("connections", 0, "received"));
	EXPECT_TRUE(status.has("connections", 0, "unread"));
	EXPECT_LT(1e6, json_real_value(status.of("connections", 0, "received_per_s"))) << status.text;

	Status user("--interval 0.1", "setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --bounding-set=-all");
	EXPECT_EQ(1u, user.size("queues")) << "all of this is to be seen without privilege";
	EXPECT_EQ("10.0.0.2:5000", user.word("queues", 0, "port"));
	EXPECT_EQ(listener.pid, user.number("queues", 0, "pid"));
	EXPECT_EQ("devmemcat", user.word("queues", 0, "command"));
	EXPECT_TRUE(json_is_true(user.of("queues", 0, "leased")));
	EXPECT_FALSE(user.has("queues", 0, "uid")) << "a lease of root's is not readable";
	EXPECT_EQ(1u, user.size("connections"));
	EXPECT_NE(std::string::npos, user.word("devices", 0, "reason").find("CAP_NET_ADMIN")) << user.text;

	Status other("--interval 0.1", "", "lo");
	EXPECT_EQ("lo", other.word("devices", 0, "nic"));
	EXPECT_EQ(1u, other.size("queues")) << "queues of NICs that this environment would not choose are shown, too";
	EXPECT_EQ(1u, other.size("connections"));
}

TEST(StatusGuest, ShowsWhatIsBoundWithoutALease)
{
	DeviceReceiver receiver(1, AF_INET, 5, 4 << 20);
	Status status("--interval 0.1");
	ASSERT_EQ(1u, status.size("queues")) << status.text;
	EXPECT_EQ(5, status.number("queues", 0, "queue"));
	EXPECT_EQ(devmem_binding_id(receiver.binding), status.number("queues", 0, "dmabuf_id"));
	EXPECT_EQ("10.0.0.2:" + std::to_string(ntohs(reinterpret_cast<sockaddr_in &>(receiver.address).sin_port)), status.word("queues", 0, "port"));
	EXPECT_TRUE(json_is_false(status.of("queues", 0, "leased")));
	EXPECT_FALSE(status.has("queues", 0, "uid"));
	EXPECT_FALSE(status.has("queues", 0, "pid"));
}

// A process may be called anything.
TEST(StatusGuest, ShowsANameOfOddCharacters)
{
	std::string program = "/tmp/a\tb\x1b\xff";
	on_host(1, "sh -c 'cp $(command -v devmemcat) \"" + program + "\"'");
	Running listener(1, {program.c_str(), "--recv-only", "--exporter", "udmabuf", "--pool", "16", "--no-stats", "-l", "10.0.0.2", "5000"});
	bool seen = false;
	for (int i = 0; i < 50 && !seen; i++)
		seen = Status("--interval 0.1").word("queues", 0, "command") == "a?b??";
	EXPECT_TRUE(seen);
	EXPECT_NE(std::string::npos, on_host(1, "devmemctl status --interval 0.1").find("a?b??"));
}

TEST(StatusGuest, WatchSeesDevicesAsTheyAreNow)
{
	pid_t pid = fork();
	if (pid == 0) {
		usleep(1000000);
		{
			DeviceReceiver receiver(1, AF_INET, 5, 4 << 20);
			usleep(2500000);
		}
		_exit(0);
	}
	int unused, steps[2] = {0, 0};
	std::string text = on_host(1, "env NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=udmabuf timeout -s INT 3 devmemctl status --json --watch --interval 0.2", &unused);
	json_int_t all = 0;
	for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
		json_t *object = json_loads(text.substr(at, text.find('\n', at) - at).c_str(), 0, nullptr);
		json_int_t free = json_integer_value(json_object_get(json_array_get(json_object_get(object, "devices"), 0), "free_queues"));
		size_t queues = json_array_size(json_object_get(object, "queues"));
		all = all ? all : free;
		steps[0] += queues == 0 && free == all;
		steps[1] += queues == 1 && free == all - 1;
		json_decref(object);
	}
	EXPECT_LT(0, steps[0]) << text;
	EXPECT_LT(0, steps[1]) << text;
	waitpid(pid, nullptr, 0);
}

using StatusBroker = Broker;

TEST_F(StatusBroker, ShowsForWhomABrokerHoldsQueues)
{
	pid_t client = holder(kUser, 2);
	Status status("--interval 0.1");
	ASSERT_EQ(2u, status.size("queues")) << status.text;
	for (size_t i = 0; i < 2; i++) {
		EXPECT_EQ(static_cast<json_int_t>(nic.rx_queues - 2 + i), status.number("queues", i, "queue")) << "in their order";
		EXPECT_EQ(kUser, status.number("queues", i, "uid"));
		EXPECT_EQ(daemon.pid, status.number("queues", i, "pid"));
		EXPECT_EQ("devmemd", status.word("queues", i, "command"));
		EXPECT_TRUE(status.has("queues", i, "port"));
	}
	kill_and_wait(&client);
	EXPECT_TRUE(await([this] { return nothing_is_left(); }, 2));
	EXPECT_EQ(0u, Status("--interval 0.1").size("queues"));
}

// The client holds the lock and the binding, and who took the lock is no more.
TEST_F(StatusBroker, ShowsQueuesOfABrokerThatWasKilled)
{
	pid_t client = holder(kUser, 1);
	kill_and_wait(&daemon.pid);
	Status status("--interval 0.1");
	ASSERT_EQ(1u, status.size("queues")) << status.text;
	EXPECT_TRUE(json_is_true(status.of("queues", 0, "leased")));
	EXPECT_EQ(kUser, status.number("queues", 0, "uid"));
	EXPECT_FALSE(status.has("queues", 0, "pid"));
	kill_and_wait(&client);
	daemon.start();
}

TEST(StatusGuest, ShowsCountersOfRunningAndEndedProcesses)
{
	mkdir("/tmp/metrics", 0777);
	setenv("NCCL_DEVMEM_METRICS", "/tmp/metrics", 1);
	pid_t pid = fork();
	if (pid == 0) {
		setenv("NCCL_SOCKET_IFNAME", "dm0", 1);
		setenv("NCCL_DEVMEM_MEMORY", "udmabuf", 1);
		execlp("bash", "bash", "-c",
		       "exec \"$DEVMEM_REPO/bench/hosts_run.sh\" 2 p2p --memory udmabuf --size 1M --channels 1 --volume 20G --repeat 1 --latency 0 >/tmp/p2p.log 2>&1", nullptr);
		_exit(127);
	}
	bool seen = false;
	for (int i = 0; i < 60 && !seen; i++) {
		Status status("--interval 0.2 --metrics /tmp/metrics");
		for (size_t j = 0; j < status.size("processes"); j++)
			seen |= json_is_true(status.of("processes", j, "alive")) && status.number("processes", j, "rx_device") > 0 &&
				status.number("processes", j, "pool_pages") > 0 && status.number("processes", j, "recvs") > 0;
	}
	EXPECT_TRUE(seen) << "no counters of a running process: " << on_host(1, "sh -c 'cat /tmp/p2p.log; head -100 /tmp/metrics/*'");
	kill(pid, SIGTERM);
	waitpid(pid, nullptr, 0);
	int unused;
	on_host(1, "pkill -9 -x p2p", &unused);
	for (int i = 0; i < 50 && on_host(1, "pgrep -x p2p", &unused) != ""; i++)
		usleep(100000);
	Status after("--interval 0.1 --metrics /tmp/metrics");
	ASSERT_LT(0u, after.size("processes")) << after.text;
	EXPECT_TRUE(json_is_false(after.of("processes", 0, "alive")));
	EXPECT_EQ(0u, after.size("queues")) << after.text;
}

TEST(StatusGuest, WatchPrintsAnObjectOnALineUntilInterrupted)
{
	int status;
	std::string text = on_host(1, "timeout -s INT 2 devmemctl status --json --watch --interval 0.2", &status);
	size_t lines = 0;
	EXPECT_EQ(124, status) << "timeout's own";
	for (char c : text)
		lines += c == '\n';
	EXPECT_LE(3u, lines) << text;
	json_t *first = json_loads(text.substr(0, text.find('\n')).c_str(), 0, nullptr);
	EXPECT_NE(nullptr, first);
	json_decref(first);
}

} // namespace

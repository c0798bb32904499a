// SPDX-License-Identifier: BSD-3-Clause
// devmemd as a service of systemd: told that it is ready, given its socket, left with one privilege.
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"

namespace {

struct Service : testing::Test {
	void SetUp() override
	{
		if (getuid() != 0)
			GTEST_SKIP() << "needs root, whose privileges it gives up";
		ASSERT_NE(nullptr, mkdtemp(folder));
		path = std::string(folder) + "/socket";
	}
	void TearDown() override
	{
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, nullptr, 0);
		}
		EXPECT_EQ(0, system((std::string("rm -rf ") + folder).c_str()));
	}
	// Starts it with `passed` as its descriptor 3, if that is one.
	void start(int passed = -1)
	{
		std::string program = std::string(getenv("DEVMEM_BUILD")) + "/bin/devmemd", leases = std::string(folder) + "/leases";
		pid = fork();
		if (pid != 0)
			return;
		if (passed >= 0) {
			if (passed == 3)
				fcntl(3, F_SETFD, 0);
			else
				dup2(passed, 3);
			setenv("LISTEN_FDS", "1", 1);
			setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
		}
		execl(program.c_str(), "devmemd", "--socket", path.c_str(), "--lease-dir", leases.c_str(), nullptr);
		_exit(127);
	}
	bool serves(int seconds = 10)
	{
		for (int i = 0; i < 100 * seconds; i++, usleep(10'000))
			if (broker_hello(path.c_str(), &err) == 0)
				return true;
		return false;
	}
	std::string status(const std::string &name)
	{
		std::ifstream file("/proc/" + std::to_string(pid) + "/status");
		for (std::string line; std::getline(file, line);)
			if (line.compare(0, name.size() + 1, name + ":") == 0)
				return line.substr(line.find_first_not_of(" \t", name.size() + 1));
		return "";
	}
	int bound_socket(int type, const std::string &name)
	{
		sockaddr_un address = {};
		int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
		address.sun_family = AF_UNIX;
		strcpy(address.sun_path, name.c_str());
		EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address))) << strerror(errno);
		return fd;
	}
	char folder[32] = "/tmp/devmemd-XXXXXX";
	std::string path;
	pid_t pid = -1;
	devmem_error err = {};
};

TEST_F(Service, KeepsOnePrivilegeAndAFilter)
{
	start();
	ASSERT_TRUE(serves()) << err.text;
	for (const char *set : {"CapPrm", "CapEff", "CapBnd"})
		EXPECT_EQ("0000000000001000", status(set)) << set;
	for (const char *set : {"CapInh", "CapAmb"})
		EXPECT_EQ("0000000000000000", status(set)) << set;
	EXPECT_EQ("1", status("NoNewPrivs"));
	EXPECT_EQ("2", status("Seccomp"));
#ifndef __SANITIZE_THREAD__ // it has a thread of its own
	EXPECT_EQ("1", status("Threads"));
#endif
}

TEST_F(Service, TellsWhenItIsReadyAndThatItLives)
{
	std::string name = std::string(folder) + "/notify", said;
	int notified = bound_socket(SOCK_DGRAM, name);
	timeval patience = {5, 0};
	char text[256];

	setsockopt(notified, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setenv("NOTIFY_SOCKET", name.c_str(), 1);
	start();
	unsetenv("NOTIFY_SOCKET");
	for (int i = 0; i < 3; i++) {
		ssize_t n = recv(notified, text, sizeof(text), 0);
		ASSERT_GT(n, 0) << "after '" << said << "'";
		if (i == 0) {
			EXPECT_EQ(0, broker_hello(path.c_str(), &err)) << "ready means that it answers: " << err.text;
		}
		said.append(text, static_cast<size_t>(n)).append(" ");
	}
	EXPECT_EQ("READY=1 WATCHDOG=1 WATCHDOG=1 ", said);
	close(notified);
}

TEST_F(Service, ServesTheSocketThatItIsGiven)
{
	int given = bound_socket(SOCK_SEQPACKET, path);

	ASSERT_EQ(0, listen(given, 16));
	start(given);
	EXPECT_TRUE(serves()) << err.text;
	// Clients may connect between two of them.
	kill(pid, SIGKILL);
	waitpid(pid, nullptr, 0);
	pid_t waiting = fork();
	if (waiting == 0)
		_exit(broker_hello(path.c_str(), nullptr) ? 1 : 0);
	usleep(200'000);
	start(given);
	int ended = 0;
	ASSERT_EQ(waiting, waitpid(waiting, &ended, 0));
	EXPECT_EQ(0, ended);
	close(given);
}

TEST_F(Service, ReplacesTheSocketThatAKilledOneLeft)
{
	start();
	ASSERT_TRUE(serves()) << err.text;
	kill(pid, SIGKILL);
	waitpid(pid, nullptr, 0);
	EXPECT_EQ(-ECONNREFUSED, broker_hello(path.c_str(), &err));
	EXPECT_NE(nullptr, strstr(err.text, "no devmemd serves at")) << err.text;
	start();
	EXPECT_TRUE(serves()) << err.text;
}

// Who can write there could have it remove rules of others.
TEST_F(Service, TrustsNoFolderThatOthersCanWriteTo)
{
	std::string leases = std::string(folder) + "/leases";
	int ended = 0;

	for (int way = 0; way < 3; way++) {
		ASSERT_EQ(0, mkdir(leases.c_str(), 0755));
		if (way == 0) {
			ASSERT_EQ(0, chmod(leases.c_str(), 0775));
		} else if (way == 1) {
			ASSERT_EQ(0, chmod(leases.c_str(), 01777));
		} else {
			ASSERT_EQ(0, chown(leases.c_str(), 1000, 0));
		}
		start();
		for (int i = 0; i < 500 && waitpid(pid, &ended, WNOHANG) == 0; i++)
			usleep(10'000);
		ASSERT_EQ(-1, kill(pid, 0)) << "it serves, way " << way;
		pid = -1;
		EXPECT_TRUE(WIFEXITED(ended) && WEXITSTATUS(ended) == 1) << way;
		ASSERT_EQ(0, rmdir(leases.c_str()));
	}
}

TEST_F(Service, ALeaseOfNoNicIsRefusedByName)
{
	claim_options options = {};
	devmem_nic nic = {};
	claim *claim;

	start();
	ASSERT_TRUE(serves()) << err.text;
	options.queues = 1;
	options.dmabuf_fd = STDIN_FILENO;
	nic.addr.ss_family = AF_INET;
	strcpy(nic.name, "nosuch0");
	EXPECT_EQ(-ENODEV, broker_claim(path.c_str(), &nic, &options, &claim, &err));
	EXPECT_NE(nullptr, strstr(err.text, "sees no network device nosuch0")) << err.text;
	strcpy(nic.name, "a b");
	EXPECT_NE(0, broker_claim(path.c_str(), &nic, &options, &claim, &err)) << "no name at all";
	EXPECT_TRUE(serves());
}

TEST(Client, SaysThatNobodyServes)
{
	devmem_error err = {};

	EXPECT_EQ(-ENOENT, broker_hello("/nonexistent/devmemd", &err));
	EXPECT_NE(nullptr, strstr(err.text, "no devmemd serves at /nonexistent/devmemd: systemctl start devmemd")) << err.text;
	EXPECT_EQ(-ENAMETOOLONG, broker_hello(std::string(200, 'x').c_str(), &err));
}

// A broker that takes requests and never answers must not hold a job up for ever.
TEST(Client, GivesUpOnABrokerThatDoesNotAnswer)
{
	char folder[] = "/tmp/devmemd-XXXXXX";
	devmem_error err = {};
	sockaddr_un address = {};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ASSERT_NE(nullptr, mkdtemp(folder));
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	ASSERT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
	ASSERT_EQ(0, listen(fd, 1));
	time_t from = time(nullptr);
	EXPECT_EQ(-ETIMEDOUT, broker_hello(address.sun_path, &err));
	EXPECT_LE(time(nullptr) - from, 7);
	EXPECT_NE(nullptr, strstr(err.text, "devmemd does not answer: systemctl status devmemd")) << err.text;
	close(fd);
	EXPECT_EQ(0, system((std::string("rm -rf ") + folder).c_str()));
}

} // namespace

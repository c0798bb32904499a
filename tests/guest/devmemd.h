// SPDX-License-Identifier: BSD-3-Clause
// devmemd and its clients as child processes: started, asked, killed.
#pragma once

#include <fcntl.h>
#include <fstream>
#include <functional>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>

#include "broker.h"
#include "testnet.h"

constexpr char kSocket[] = "/run/devmemd/test";
constexpr uid_t kUser = 1000, kOther = 1001, kStranger = 1002; // the last may not lease

inline double now_s()
{
	timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

inline bool await(const std::function<bool()> &condition, double seconds)
{
	for (double end = now_s() + seconds; now_s() < end; usleep(2000))
		if (condition())
			return true;
	return condition();
}

// Runs `body` in a child that is user `uid` and nobody else, on the caller's host. The child ends with what body returns.
inline pid_t start_as(uid_t uid, const std::function<int()> &body)
{
	fflush(nullptr);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	if (setgroups(0, nullptr) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(99);
	int status = body();
	fflush(nullptr);
	_exit(status);
}

// The same, for EXPECTs in it; waits.
inline void run_as(uid_t uid, const std::function<void()> &body)
{
	int status = 0;
	pid_t pid = start_as(uid, [&] {
		body();
		return testing::Test::HasFailure() ? 1 : 0;
	});
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the process of user " << uid << " failed: " << status;
}

inline void kill_and_wait(pid_t *pid, int number = SIGKILL)
{
	if (*pid <= 0)
		return;
	kill(*pid, number);
	waitpid(*pid, nullptr, 0);
	*pid = 0;
}

// devmemd on host 1.
struct Devmemd {
	void start(std::vector<std::string> more = {})
	{
		std::vector<std::string> words = {"devmemd", "--socket", kSocket, "--allow-user", std::to_string(kUser), "--allow-user", std::to_string(kOther)};
		words.insert(words.end(), more.begin(), more.end());
		std::vector<char *> argv;
		for (auto &word : words)
			argv.push_back(word.data());
		argv.push_back(nullptr);
		enter_host(1);
		pid = fork();
		if (pid == 0) {
			int log = open("/tmp/devmemd.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
			dup2(log, 2);
			execvp(argv[0], argv.data());
			_exit(127);
		}
		ASSERT_TRUE(await([] { return broker_hello(kSocket, nullptr) == 0; }, 5)) << "devmemd does not answer";
	}
	void end() { kill_and_wait(&pid); }
	~Devmemd() { end(); }
	unsigned int descriptors() const
	{
		unsigned int n = 0;
		std::string folder = "/proc/" + std::to_string(pid) + "/fd/";
		for (int fd = 0; fd < 20000; fd++) {
			struct stat unused;
			n += lstat((folder + std::to_string(fd)).c_str(), &unused) == 0;
			if (fd > 1000 && n < 900)
				break;
		}
		return n;
	}
	pid_t pid = 0;
};

inline devmem_nic nic_of_host1()
{
	devmem_nic nic = {};
	devmem_error err = {};

	enter_host(1);
	EXPECT_EQ(1, devmem_nic_list("=dm0", AF_INET, &nic, 1, &err)) << err.text;
	return nic;
}

inline int rules_of_host1()
{
	enter_host(1);
	return devmem_rule_list("dm0", nullptr, 0, nullptr);
}

inline unsigned int bound_queues(const devmem_nic &nic)
{
	unsigned int n = 0;
	uint32_t id;

	enter_host(1);
	for (unsigned int queue = 0; queue < nic.rx_queues; queue++)
		n += !devmem_queue_binding(nic.ifindex, queue, &id, nullptr) && id;
	return n;
}

inline unsigned int all_dmabufs()
{
	std::ifstream info("/sys/kernel/debug/dma_buf/bufinfo");
	std::string line, last;

	while (std::getline(info, line))
		if (line.rfind("Total ", 0) == 0)
			last = line;
	return last.empty() ? 0 : static_cast<unsigned int>(strtoul(last.c_str() + strlen("Total "), nullptr, 10));
}

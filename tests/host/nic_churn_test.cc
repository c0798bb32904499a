// SPDX-License-Identifier: BSD-3-Clause
// Interfaces are listed right while others come and go: the kernel marks a list that changed while it was read.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nic.h"

namespace {

// A network namespace with the right to make interfaces in it, also for commands that are executed.
bool own_network()
{
	uid_t uid = geteuid();

	if (unshare(CLONE_NEWNET) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
	return true;
}

// Makes and deletes bridges until it is killed. The list of all of them takes several messages.
pid_t churn()
{
	pid_t child = fork();

	if (child) {
		setpgid(child, child);
		return child;
	}
	setpgid(0, 0);
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(127);
	execl("/bin/sh", "sh", "-c",
	      "while :; do for i in $(seq 60); do echo link add x$i type bridge; done; for i in $(seq 60); do echo link del x$i; done; done |"
	      " ip -batch -",
	      nullptr);
	_exit(127);
}

TEST(NicLinks, AreListedWhileInterfacesComeAndGo)
{
	if (!own_network())
		GTEST_SKIP() << "no user namespaces here";
	pid_t child = churn();
	int most = 0, failed = 0;

	for (time_t end = time(nullptr) + 4; time(nullptr) < end;) {
		nic_link *links;
		int n = nic_links(&links);

		failed += n < 1;
		most = n > most ? n : most;
		if (n >= 0)
			free(links);
	}
	kill(-child, SIGKILL);	// its pipeline too
	waitpid(child, nullptr, 0);
	if (most < 10)
		GTEST_SKIP() << "ip makes no bridges here";
	EXPECT_EQ(0, failed);
}

} // namespace

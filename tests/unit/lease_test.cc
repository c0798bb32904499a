// SPDX-License-Identifier: BSD-3-Clause
// Leases of queues: who gets which, and what becomes of those of the dead. No NIC is needed: the locks are files.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "lease.h"

namespace {

struct Leases : testing::Test {
	Leases()
	{
		strcpy(nic.name, "lo");
		nic.rx_queues = 4;
		EXPECT_NE(nullptr, mkdtemp(dir));
	}
	~Leases() override { EXPECT_EQ(0, system((std::string("rm -rf ") + dir).c_str())); }
	int take(lease **out, unsigned int below = 100) { return lease_take(&nic, dir, below, out, &err); }

	devmem_nic nic = {};
	devmem_error err = {};
	char dir[32] = "/tmp/devmem-lease-XXXXXX";
};

TEST_F(Leases, GoFromTheHighestQueueDownAndNeverToQueue0)
{
	lease *a, *b, *c, *d;

	ASSERT_EQ(0, take(&a)) << err.text;
	ASSERT_EQ(0, take(&b));
	ASSERT_EQ(0, take(&c));
	EXPECT_EQ(3u, a->queue);
	EXPECT_EQ(2u, b->queue);
	EXPECT_EQ(1u, c->queue);
	EXPECT_EQ(-EBUSY, take(&d));
	EXPECT_NE(nullptr, strstr(err.text, "no free rx queue on lo")) << err.text;
	EXPECT_NE(nullptr, strstr(err.text, "ethtool -L lo")) << err.text;
	lease_release(b);
	ASSERT_EQ(0, take(&d));
	EXPECT_EQ(2u, d->queue);
	for (lease *lease : {a, c, d})
		lease_release(lease);
}

TEST_F(Leases, MayBeAskedForBelowAQueueThatIsBoundByOthers)
{
	lease *a;

	ASSERT_EQ(0, take(&a, 3));
	EXPECT_EQ(2u, a->queue);
	lease_release(a);
	EXPECT_EQ(-EBUSY, take(&a, 1));
}

TEST_F(Leases, EndWithTheirProcess)
{
	int ready[2];
	char byte;
	lease *mine;

	nic.rx_queues = 2;
	ASSERT_EQ(0, pipe(ready));
	pid_t child = fork();
	if (child == 0) {
		lease *theirs;
		if (take(&theirs) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(-EBUSY, take(&mine));
	kill(child, SIGKILL);
	waitpid(child, nullptr, 0);
	EXPECT_EQ(0, take(&mine)) << err.text;
	lease_release(mine);
}

TEST_F(Leases, JournalIsReadAndClearedByTheNextHolder)
{
	devmem_rule rule = {};
	lease *a;
	std::string line;

	nic.rx_queues = 2;
	rule.dst.ss_family = AF_INET;
	rule.queue = 1;
	rule.location = 5;
	ASSERT_EQ(0, take(&a));
	ASSERT_EQ(0, lease_journal(a, &rule));
	std::string path = a->path;
	std::getline(std::ifstream(path), line);
	EXPECT_EQ("rule 5 queue 1 dst 0.0.0.0:0 ports 1", line);
	lease_release(a);
	// lo has no rules: what the journal names is not there, and is forgotten.
	ASSERT_EQ(0, take(&a));
	line = "?";
	std::getline(std::ifstream(path), line);
	EXPECT_EQ("uid " + std::to_string(getuid()), line);
	lease_release(a);
}

TEST_F(Leases, AreSeenWithTheirOwnerWhileTheyAreHeld)
{
	std::vector<lease_note> seen;
	auto look = [](const lease_note *note, void *arg) { static_cast<std::vector<lease_note> *>(arg)->push_back(*note); };
	devmem_rule rule = {};
	lease *a, *b;

	strcpy(nic.name, "a-b-rx");
	ASSERT_EQ(0, take(&a));
	ASSERT_EQ(0, take(&b));
	ASSERT_EQ(0, lease_own(a, 1234, true));
	rule.dst.ss_family = AF_INET;
	rule.queue = 3;
	ASSERT_EQ(0, lease_journal(a, &rule));
	EXPECT_EQ(0u, lease_sweep(dir, look, &seen));
	ASSERT_EQ(2u, seen.size());
	const lease_note &note = seen[0].queue == 3 ? seen[0] : seen[1];
	EXPECT_STREQ("a-b-rx", note.nic);
	EXPECT_EQ(3u, note.queue);
	EXPECT_EQ(1234u, note.uid);
	EXPECT_TRUE(note.guarded);
	EXPECT_FALSE((&note == &seen[0] ? seen[1] : seen[0]).guarded);
	EXPECT_TRUE(note.ruled);
	EXPECT_EQ(3u, note.rule.queue);
	lease_release(a);
	lease_release(b);
	seen.clear();
	EXPECT_EQ(0u, lease_sweep(dir, look, &seen));
	EXPECT_EQ(0u, seen.size());
	EXPECT_EQ(0u, lease_sweep("/nonexistent/devmem", look, &seen));
}

using Listed = std::vector<std::pair<lease_note, struct stat>>;

Listed list(const char *dir)
{
	Listed listed;
	auto look = [](const lease_note *note, const struct stat *file, void *arg) { static_cast<Listed *>(arg)->push_back({*note, *file}); };
	lease_list(dir, look, &listed);
	return listed;
}

TEST_F(Leases, AreListedAndLeftAsTheyAre)
{
	devmem_rule rule = {};
	struct stat file;
	lease *a, *b;
	std::string line;

	EXPECT_EQ(0u, list("/nonexistent/devmem").size());
	ASSERT_EQ(0, take(&a));
	ASSERT_EQ(0, take(&b));
	lease_release(b);
	ASSERT_EQ(0, lease_own(a, 1234, false));
	rule.dst.ss_family = AF_INET;
	rule.queue = 3;
	ASSERT_EQ(0, lease_journal(a, &rule));
	Listed listed = list(dir);
	ASSERT_EQ(1u, listed.size()) << "what was given back is not listed";
	EXPECT_STREQ("lo", listed[0].first.nic);
	EXPECT_EQ(3u, listed[0].first.queue);
	EXPECT_TRUE(listed[0].first.told);
	EXPECT_EQ(1234u, listed[0].first.uid);
	EXPECT_TRUE(listed[0].first.ruled);
	ASSERT_EQ(0, stat(a->path, &file));
	EXPECT_EQ(file.st_ino, listed[0].second.st_ino);
	std::string path = a->path;
	lease_release(a);
	// As a dead holder leaves it: a sweep would clear it away.
	EXPECT_EQ(1u, list(dir).size());
	std::getline(std::ifstream(path), line);
	EXPECT_EQ("rule 0 queue 3 dst 0.0.0.0:0 ports 1", line);
	EXPECT_EQ(0u, lease_sweep(dir, nullptr, nullptr));
	EXPECT_EQ(0u, list(dir).size());
}

TEST_F(Leases, AreListedWithoutWaitingForWhatIsNoFile)
{
	lease *a;

	ASSERT_EQ(0, take(&a));
	std::string path = a->path, fifo = path;
	lease_release(a);
	fifo.replace(fifo.find("rx3"), 3, "rx2");
	ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
	ASSERT_EQ(0, symlink("/etc/passwd", fifo.replace(fifo.find("rx2"), 3, "rx1").c_str()));
	EXPECT_EQ(0u, list(dir).size());
}

TEST_F(Leases, OfOthersAreListedByNicAndQueueAlone)
{
	lease *a;

	if (getuid())
		GTEST_SKIP() << "takes root, to be another user";
	ASSERT_EQ(0, take(&a));
	ASSERT_EQ(0, lease_own(a, 1234, false));
	ASSERT_EQ(0, chmod(dir, 0755));
	pid_t child = fork();
	if (child == 0) {
		Listed listed;
		if (setresuid(65534, 65534, 65534) == 0)
			listed = list(dir);
		_exit(listed.size() == 1 && listed[0].first.queue == 3 && !listed[0].first.told && !listed[0].first.uid ? 0 : 1);
	}
	int status;
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	lease_release(a);
}

TEST_F(Leases, AreHeldByWhoeverHasACopyOfTheLockWhichCannotWrite)
{
	lease *a, *b;

	nic.rx_queues = 2;
	ASSERT_EQ(0, take(&a));
	int copy = dup(a->lock);
	EXPECT_EQ(-1, write(copy, "x", 1));
	EXPECT_EQ(-1, ftruncate(copy, 0));
	lease_release(a);
	EXPECT_EQ(-EBUSY, take(&b));
	close(copy);
	ASSERT_EQ(0, take(&b));
	lease_release(b);
}

TEST_F(Leases, SayWhyAFolderCannotBeUsed)
{
	lease *a;

	EXPECT_EQ(-ENOENT, lease_take(&nic, "/nonexistent/devmem", 100, &a, &err));
	EXPECT_NE(nullptr, strstr(err.text, "/nonexistent/devmem")) << err.text;
}

} // namespace

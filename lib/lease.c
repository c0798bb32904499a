// SPDX-License-Identifier: BSD-3-Clause
/* Takes and gives back leases of rx queues: a lock file that is also the journal of the steering
 * rule. */
#include "lease.h"
#include "rss.h"
#include "sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int lease_format(const struct devmem_rule *rule, char *text, size_t room)
{
	char address[SOCKADDR_TEXT];

	sockaddr_text(&rule->dst, address);
	return snprintf(text, room, "rule %" PRIu32 " queue %u dst %s\n", rule->location,
			rule->queue, address) < (int)room
		       ? 0
		       : -ENOSPC;
}

int lease_parse(const char *text, struct devmem_rule *rule)
{
	char address[SOCKADDR_TEXT];

	*rule = (struct devmem_rule){0};
	if (sscanf(text, "rule %" SCNu32 " queue %u dst %63s", &rule->location, &rule->queue,
		   address) != 3)
		return -EPROTO;
	return sockaddr_parse(address, &rule->dst);
}

/* Removes the rule that a dead holder left, if what is at its location still is that rule. */
static void recover(const char *nic, int fd)
{
	struct devmem_rule noted, found;
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (!lease_parse(text, &noted) && !devmem_rule_get(nic, noted.location, &found, NULL) &&
	    found.queue == noted.queue && sockaddr_equal(&found.dst, &noted.dst))
		devmem_rule_del(nic, noted.location, NULL);
	if (ftruncate(fd, 0))
		return; /* the next holder finds no such rule and goes on */
}

/* Opens and locks one queue's file. -EWOULDBLOCK: somebody holds it. */
static int lock_queue(const char *path, const char *nic, bool create)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	recover(nic, fd);
	return fd;
}

static int queue_path(const struct devmem_nic *nic, const char *dir, unsigned int queue, char *path,
		      size_t room)
{
	struct stat ns;

	if (stat("/proc/thread-self/ns/net", &ns))
		ns.st_ino = 0;
	return snprintf(path, room, "%s/%lu-%s-rx%u.lease", dir, (unsigned long)ns.st_ino,
			nic->name, queue) < (int)room
		       ? 0
		       : -ENAMETOOLONG;
}

/* Processes that hold nothing on this NIC any more may have left rules on queues that nobody asks
 * for again. */
static void recover_all(const struct devmem_nic *nic, const char *dir)
{
	char path[256];

	for (unsigned int queue = 1; queue < nic->rx_queues; queue++) {
		int fd;

		if (queue_path(nic, dir, queue, path, sizeof(path)))
			return;
		fd = lock_queue(path, nic->name, false);
		if (fd >= 0)
			close(fd);
	}
}

int lease_take(const struct devmem_nic *nic, const char *dir, unsigned int below,
	       struct lease **lease, struct devmem_error *err)
{
	unsigned int top = below < nic->rx_queues ? below : nic->rx_queues;
	unsigned int shared = 0; /* queues that ordinary traffic is spread over */
	struct lease *new;
	int fd = -EBUSY;

	*lease = NULL;
	if (mkdir(dir, 0755) && errno != EEXIST)
		return devmem_error_set(
			err, -errno,
			"cannot make %s, where leases of rx queues are noted: %s; set "
			"NCCL_DEVMEM_LEASE_DIR to a folder that all jobs of this machine "
			"share and may write to",
			dir, strerror(errno));
	recover_all(nic, dir);
	new = calloc(1, sizeof(*new));
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	snprintf(new->nic, sizeof(new->nic), "%s", nic->name);
	while (top-- > 1) {
		if (rss_leads_to(nic->name, top)) {
			shared++;
			continue;
		}
		fd = queue_path(nic, dir, top, new->path, sizeof(new->path));
		if (!fd)
			fd = lock_queue(new->path, nic->name, true);
		if (fd >= 0) {
			new->fd = fd;
			new->queue = top;
			*lease = new;
			return 0;
		}
		if (fd != -EWOULDBLOCK)
			break;
	}
	free(new);
	if ((fd == -EWOULDBLOCK || fd == -EBUSY) && shared)
		return devmem_error_set(
			err, -EBUSY,
			"no free rx queue on %s: ordinary traffic is spread over %u of its %u "
			"queues, and could not be read from device memory: keep it to the first "
			"with ethtool -X %s equal 1 (or 2, 3, ...)",
			nic->name, shared + 1, nic->rx_queues, nic->name);
	if (fd == -EWOULDBLOCK || fd == -EBUSY)
		return devmem_error_set(
			err, -EBUSY,
			"no free rx queue on %s (%u in all, queue 0 excluded): raise their number "
			"with "
			"ethtool -L %s combined N, or start fewer processes per NIC",
			nic->name, nic->rx_queues, nic->name);
	return devmem_error_set(
		err, fd,
		"cannot lock a queue of %s in %s: %s; set NCCL_DEVMEM_LEASE_DIR to a "
		"folder that all jobs of this machine share and may write to",
		nic->name, dir, strerror(-fd));
}

int lease_journal(struct lease *lease, const struct devmem_rule *rule)
{
	char text[256] = "";
	int ret = rule ? lease_format(rule, text, sizeof(text)) : 0;

	if (ret)
		return ret;
	if (ftruncate(lease->fd, 0) ||
	    pwrite(lease->fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		return -EIO;
	return 0;
}

void lease_release(struct lease *lease)
{
	if (!lease)
		return;
	close(lease->fd);
	free(lease);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Takes and gives back leases of rx queues: a lock file that is also the journal of the steering
 * rule. */
#include "lease.h"
#include "rss.h"
#include "sockaddr.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNER "uid "
#define GUARDED " guarded\n"
#define PATH_ROOM 128 /* for the folder */

int lease_format(const struct devmem_rule *rule, unsigned int ports, char *text, size_t room)
{
	char address[SOCKADDR_TEXT];

	sockaddr_text(&rule->dst, address);
	return snprintf(text, room, "rule %" PRIu32 " queue %u dst %s ports %u\n", rule->location,
			rule->queue, address, ports) < (int)room
		       ? 0
		       : -ENOSPC;
}

int lease_parse(const char *text, struct devmem_rule *rule, unsigned int *ports)
{
	char address[SOCKADDR_TEXT];
	int ret;

	*rule = (struct devmem_rule){0};
	*ports = 1; /* as journals of older releases have it */
	if (sscanf(text, "rule %" SCNu32 " queue %u dst %63s ports %u", &rule->location,
		   &rule->queue, address, ports) < 3)
		return -EPROTO;
	ret = sockaddr_parse(address, &rule->dst);
	return ret || (*ports && sockaddr_port(&rule->dst) + *ports - 1 <= UINT16_MAX) ? ret
										       : -EPROTO;
}

struct devmem_rule lease_rule_at(const struct devmem_rule *rule, unsigned int ports_after)
{
	struct devmem_rule other = *rule;

	sockaddr_set_port(&other.dst, (uint16_t)(sockaddr_port(&rule->dst) + ports_after));
	return other;
}

static bool is_rule(const char *nic, uint32_t location, const struct devmem_rule *noted)
{
	struct devmem_rule found;

	return !devmem_rule_get(nic, location, &found, NULL) && found.queue == noted->queue &&
	       sockaddr_equal(&found.dst, &noted->dst);
}

/*
 * Where the rule of @noted is now: -ENOENT, or its location in *@location. A holder that died while
 * it inserted the rule did not know the location, so queue and address are what counts.
 */
static int find_rule(const char *nic, const struct devmem_rule *noted, uint32_t *location)
{
	uint32_t *all;
	int n = devmem_rule_list(nic, NULL, 0, NULL), ret = -ENOENT;

	*location = noted->location;
	if (is_rule(nic, noted->location, noted))
		return 0;
	all = n > 0 ? calloc((size_t)n, sizeof(*all)) : NULL;
	if (!all)
		return -ENOENT;
	if (devmem_rule_list(nic, all, (unsigned int)n, NULL) < n)
		n = 0; /* somebody removes rules meanwhile: that was it, or the next look finds it
			*/
	for (int i = 0; i < n && ret; i++)
		if (is_rule(nic, all[i], noted)) {
			*location = all[i];
			ret = 0;
		}
	free(all);
	return ret;
}

int lease_rule_del(const char *nic, const struct devmem_rule *rule)
{
	uint32_t location;
	int ret = find_rule(nic, rule, &location);

	return ret ? ret : devmem_rule_del(nic, location, NULL);
}

static void read_note(int fd, struct lease_note *note)
{
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *owner;

	text[n > 0 ? n : 0] = '\0';
	note->ruled = !lease_parse(text, &note->rule, &note->ports);
	owner = strstr(text, OWNER);
	note->told = n >= 0;
	note->uid = 0;
	note->guarded = strstr(text, GUARDED);
	if (owner)
		(void)sscanf(owner, OWNER "%" SCNu32, &note->uid);
}

static void forget(int journal)
{
	if (ftruncate(journal, 0))
		return; /* the next holder finds no such rule and goes on */
}

/* Removes the rules that a dead holder left. True when there were any. */
static bool recover(const char *nic, int journal)
{
	struct lease_note note = {0};
	bool removed = false;

	read_note(journal, &note);
	for (unsigned int i = 0; note.ruled && i < note.ports; i++) {
		struct devmem_rule rule = lease_rule_at(&note.rule, i);

		removed |= !lease_rule_del(nic, &rule);
	}
	forget(journal);
	return removed;
}

/*
 * The lock is held by a descriptor that cannot write, so that it can be handed to a process that
 * must not change the journal (docs/broker.md). -EWOULDBLOCK: somebody holds it.
 */
static int lock_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* Opens and locks one queue's file. */
static int lock_queue(const char *path, const char *nic, struct lease *lease)
{
	int journal = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), lock;

	if (journal < 0)
		return -errno;
	lock = lock_path(path);
	if (lock < 0) {
		close(journal);
		return lock;
	}
	recover(nic, journal);
	lease->journal = journal;
	lease->lock = lock;
	return 0;
}

/*
 * Locks for a moment what a dead holder left; what was given back is empty, and never locked here:
 * somebody may want it just then. 1: a rule was removed, 0: there was none, else -errno.
 */
static int sweep_queue(const char *path, const char *nic, struct lease_note *note)
{
	int journal = open(path, O_RDWR | O_CLOEXEC), lock, ret;
	struct stat file;

	if (journal < 0)
		return -errno;
	if (fstat(journal, &file) || !file.st_size) {
		close(journal);
		return 0;
	}
	lock = lock_path(path);
	if (lock < 0) {
		read_note(journal, note);
		ret = lock;
	} else {
		ret = recover(nic, journal);
		close(lock);
	}
	close(journal);
	return ret;
}

static unsigned long network_namespace(void)
{
	struct stat ns;

	return stat("/proc/thread-self/ns/net", &ns) ? 0 : (unsigned long)ns.st_ino;
}

static int queue_path(const struct devmem_nic *nic, const char *dir, unsigned int queue, char *path,
		      size_t room)
{
	return snprintf(path, room, "%s/%lu-%s-rx%u.lease", dir, network_namespace(), nic->name,
			queue) < (int)room
		       ? 0
		       : -ENAMETOOLONG;
}

/* The NIC and queue of a file's name, if it is of network namespace @ns. */
static bool parse_name(const char *name, unsigned long ns, struct lease_note *note)
{
	const char *nic = strchr(name, '-'), *queue = strrchr(name, '-');
	unsigned long of;
	char dot;

	if (!nic || nic == queue || (size_t)(queue - nic) > sizeof(note->nic) ||
	    sscanf(name, "%lu", &of) != 1 || of != ns ||
	    sscanf(queue, "-rx%u.leas%c", &note->queue, &dot) != 2)
		return false;
	memcpy(note->nic, nic + 1, (size_t)(queue - nic - 1));
	return true;
}

typedef void (*visit_fn)(const char *path, struct lease_note *note, void *arg);

/* Calls @visit with each queue's file of the thread's network namespace, whose NIC and queue are in
 * the note. */
static void walk(const char *dir, visit_fn visit, void *arg)
{
	unsigned long ns = network_namespace();
	DIR *folder = opendir(dir);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		struct lease_note note = {0};
		char path[sizeof(entry->d_name) + PATH_ROOM];

		if (!parse_name(entry->d_name, ns, &note))
			continue;
		snprintf(path, sizeof(path), "%.*s/%s", PATH_ROOM - 2, dir, entry->d_name);
		visit(path, &note, arg);
	}
	if (folder)
		closedir(folder);
}

struct sweep {
	lease_seen_fn seen;
	void *arg;
	unsigned int removed;
};

static void sweep_one(const char *path, struct lease_note *note, void *arg)
{
	struct sweep *sweep = arg;
	int ret = sweep_queue(path, note->nic, note);

	sweep->removed += ret == 1;
	if (ret == -EWOULDBLOCK && sweep->seen)
		sweep->seen(note, sweep->arg);
}

unsigned int lease_sweep(const char *dir, lease_seen_fn seen, void *arg)
{
	struct sweep sweep = {.seen = seen, .arg = arg};

	walk(dir, sweep_one, &sweep);
	return sweep.removed;
}

struct listing {
	lease_file_fn seen;
	void *arg;
};

static void list_one(const char *path, struct lease_note *note, void *arg)
{
	const struct listing *listing = arg;
	struct stat file;
	int fd;

	/* What is no file is nothing of ours, and opening it might wait. */
	if (lstat(path, &file) || !S_ISREG(file.st_mode) || !file.st_size)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		read_note(fd, note);
		close(fd);
	}
	listing->seen(note, &file, listing->arg);
}

void lease_list(const char *dir, lease_file_fn seen, void *arg)
{
	struct listing listing = {.seen = seen, .arg = arg};

	walk(dir, list_one, &listing);
}

int lease_take(const struct devmem_nic *nic, const char *dir, unsigned int below,
	       struct lease **lease, struct devmem_error *err)
{
	unsigned int top = below < nic->rx_queues ? below : nic->rx_queues;
	unsigned int shared = 0; /* queues that ordinary traffic is spread over */
	struct lease *new;
	int ret = -EBUSY;

	*lease = NULL;
	if (mkdir(dir, 0755) && errno != EEXIST)
		return devmem_error_set(
			err, -errno,
			"cannot make %s, where leases of rx queues are noted: %s; set "
			"NCCL_DEVMEM_LEASE_DIR to a folder that all jobs of this machine "
			"share and may write to",
			dir, strerror(errno));
	/* Processes that hold nothing any more may have left rules on queues that nobody asks for
	 * again. */
	lease_sweep(dir, NULL, NULL);
	new = calloc(1, sizeof(*new));
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	snprintf(new->nic, sizeof(new->nic), "%s", nic->name);
	new->ports = 1;
	while (top-- > 1) {
		if (rss_leads_to(nic->name, top)) {
			shared++;
			continue;
		}
		ret = queue_path(nic, dir, top, new->path, sizeof(new->path));
		if (!ret)
			ret = lock_queue(new->path, nic->name, new);
		if (!ret) {
			new->queue = top;
			*lease = new;
			/* A folder that cannot be written to shows when the rule is noted. */
			(void)lease_own(new, getuid(), false);
			return 0;
		}
		if (ret != -EWOULDBLOCK)
			break;
	}
	free(new);
	if ((ret == -EWOULDBLOCK || ret == -EBUSY) && shared)
		return devmem_error_set(
			err, -EBUSY,
			"no free rx queue on %s: ordinary traffic is spread over %u of its %u "
			"queues, and could not be read from device memory: keep it to the first "
			"with ethtool -X %s equal 1 (or 2, 3, ...)",
			nic->name, shared + 1, nic->rx_queues, nic->name);
	if (ret == -EWOULDBLOCK || ret == -EBUSY)
		return devmem_error_set(
			err, -EBUSY,
			"no free rx queue on %s (%u in all, queue 0 excluded): raise their number "
			"with "
			"ethtool -L %s combined N, or start fewer processes per NIC",
			nic->name, nic->rx_queues, nic->name);
	return devmem_error_set(
		err, ret,
		"cannot lock a queue of %s in %s: %s; set NCCL_DEVMEM_LEASE_DIR to a "
		"folder that all jobs of this machine share and may write to",
		nic->name, dir, strerror(-ret));
}

int lease_journal(struct lease *lease, const struct devmem_rule *rule)
{
	char text[256] = "";
	int ret = rule ? lease_format(rule, lease->ports, text, sizeof(text)) : 0;
	size_t used = strlen(text);

	if (ret)
		return ret;
	snprintf(text + used, sizeof(text) - used, OWNER "%" PRIu32 "%s", lease->uid,
		 lease->guarded ? GUARDED : "\n");
	/* In this order there is a whole note at any time, whenever the process is killed. */
	if (pwrite(lease->journal, text, strlen(text), 0) != (ssize_t)strlen(text) ||
	    ftruncate(lease->journal, (off_t)strlen(text)))
		return -EIO;
	lease->ruled = rule;
	return 0;
}

int lease_own(struct lease *lease, uint32_t uid, bool guarded)
{
	lease->uid = uid;
	lease->guarded = guarded;
	return lease_journal(lease, NULL);
}

void lease_release(struct lease *lease)
{
	if (!lease)
		return;
	if (!lease->ruled)
		forget(lease->journal);
	close(lease->journal);
	close(lease->lock);
	free(lease);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Looks at rx queues of all NICs: what is bound to them, who holds the lease, which port is steered
 * there. */
#include "bind.h"
#include "lease.h"
#include "status.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

struct look {
	struct status *status;
	int ret;
};

/* The queue's item, a new one if there is none. NULL when out of memory, which is noted. */
static struct status_queue *queue_of(struct look *look, const char *nic, unsigned int number)
{
	struct status *status = look->status;
	struct status_queue *queue;

	for (unsigned int i = 0; i < status->n_queues; i++)
		if (status->queues[i].queue == number && !strcmp(status->queues[i].nic, nic))
			return &status->queues[i];
	queue = status_add((void **)&status->queues, &status->n_queues, sizeof(*queue));
	if (!queue) {
		look->ret = -ENOMEM;
		return NULL;
	}
	snprintf(queue->nic, sizeof(queue->nic), "%s", nic);
	queue->queue = number;
	return queue;
}

static void see_binding(unsigned int ifindex, unsigned int number, uint32_t dmabuf_id, void *arg)
{
	char nic[IF_NAMESIZE];
	struct status_queue *queue = if_indextoname(ifindex, nic) ? queue_of(arg, nic, number)
								  : NULL;

	if (queue)
		queue->dmabuf_id = dmabuf_id;
}

/* Who took the lock on the file, as /proc/locks tells it. 0: nobody, a process of another
 * namespace, or one that has ended while others have copies of the lock. */
static pid_t holder_of(const struct stat *file)
{
	FILE *locks = fopen("/proc/locks", "re");
	char *line = NULL;
	size_t room = 0;
	pid_t found = 0;

	while (locks && !found && getline(&line, &room, locks) > 0) {
		unsigned int major, minor;
		unsigned long inode;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode) ==
			    4 &&
		    inode == file->st_ino && makedev(major, minor) == file->st_dev)
			found = pid;
	}
	free(line);
	if (locks)
		fclose(locks);
	return found && kill(found, 0) && errno == ESRCH ? 0 : found;
}

/* A process chooses its name, and may put there what no terminal and no JSON should get. */
static void read_command(struct status_queue *queue)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)queue->pid);
	file = queue->pid > 0 ? fopen(path, "re") : NULL;
	if (file && fgets(queue->command, sizeof(queue->command), file))
		queue->command[strcspn(queue->command, "\n")] = '\0';
	if (file)
		fclose(file);
	for (char *c = queue->command; *c; c++)
		if (!isascii(*c) || !isprint(*c))
			*c = '?';
}

static void see_lease(const struct lease_note *note, const struct stat *file, void *arg)
{
	struct status_queue *queue = queue_of(arg, note->nic, note->queue);

	if (!queue)
		return;
	queue->leased = true;
	queue->owned = note->told;
	queue->uid = note->uid;
	queue->pid = holder_of(file);
	read_command(queue);
}

/* What a dead holder has left is not in use; the next who takes a lease clears it away. */
static void drop_unused(struct status *status)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < status->n_queues; i++)
		if (status->queues[i].dmabuf_id || status->queues[i].pid)
			status->queues[kept++] = status->queues[i];
	status->n_queues = kept;
}

static int by_place(const void *a, const void *b)
{
	const struct status_queue *one = a, *other = b;
	int nics = strcmp(one->nic, other->nic);

	return nics ? nics : (one->queue > other->queue) - (one->queue < other->queue);
}

/* The rules of the NIC, which a driver keeps in any order. */
static unsigned int read_rules(const char *nic, struct devmem_rule **rules)
{
	int n = devmem_rule_list(nic, NULL, 0, NULL);
	uint32_t *locations = n > 0 ? calloc((size_t)n, sizeof(*locations)) : NULL;
	unsigned int read = 0;

	*rules = n > 0 ? calloc((size_t)n, sizeof(**rules)) : NULL;
	if (locations && *rules && devmem_rule_list(nic, locations, (unsigned int)n, NULL) == n)
		for (int i = 0; i < n; i++)
			read += !devmem_rule_get(nic, locations[i], &(*rules)[read], NULL);
	free(locations);
	return read;
}

/* Sets the ports of @n queues of one NIC. */
static void find_ports(struct status_queue *queues, unsigned int n)
{
	struct devmem_rule *rules;
	unsigned int n_rules = read_rules(queues[0].nic, &rules);

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = 0; j < n_rules && !queues[i].steered; j++)
			if (rules[j].queue == queues[i].queue && rules[j].dst.ss_family) {
				queues[i].steered = true;
				queues[i].port = rules[j].dst;
			}
	free(rules);
}

int status_queues(const char *lease_dir, struct status *status)
{
	struct look look = {.status = status};
	unsigned int n;

	lease_list(lease_dir, see_lease, &look);
	/* Without the kernel's netdev family nothing can be bound. */
	(void)binding_list(see_binding, &look);
	drop_unused(status);
	if (status->n_queues)
		qsort(status->queues, status->n_queues, sizeof(*status->queues), by_place);
	for (unsigned int i = 0; i < status->n_queues; i += n) {
		for (n = 1; i + n < status->n_queues; n++)
			if (strcmp(status->queues[i].nic, status->queues[i + n].nic))
				break;
		find_ports(&status->queues[i], n);
	}
	return look.ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Looks at rx queues: what is bound to them, which port is steered there, who holds the lease. */
#include "lease.h"
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Who holds a lock on the file, as /proc/locks tells it: nothing is asked of the lock itself, so
 * that nobody who wants it is turned away. 0: nobody, or a process of another namespace. */
static pid_t holder_of(const struct stat *file)
{
	FILE *locks = fopen("/proc/locks", "re");
	char *line = NULL;
	size_t room = 0;
	pid_t found = 0;

	while (locks && !found && getline(&line, &room, locks) > 0) {
		unsigned long inode;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%lu", &pid, &inode) == 2 &&
		    inode == file->st_ino)
			found = pid;
	}
	free(line);
	if (locks)
		fclose(locks);
	return found;
}

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
}

static pid_t lease_holder(const struct devmem_nic *nic, const char *lease_dir, unsigned int queue)
{
	struct stat file;
	char path[256];

	if (lease_path(nic, lease_dir, queue, path, sizeof(path)) || stat(path, &file))
		return 0;
	return holder_of(&file);
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

static int add_queue(const struct devmem_nic *nic, const char *lease_dir, unsigned int number,
		     const struct devmem_rule *rule, struct status *status)
{
	struct status_queue *queue;
	uint32_t id = 0;
	pid_t pid = lease_holder(nic, lease_dir, number);

	(void)devmem_queue_binding(nic->ifindex, number, &id, NULL);
	if (!id && !pid)
		return 0; /* a rule alone is the administrator's affair */
	queue = status_add((void **)&status->queues, &status->n_queues, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	*queue = (struct status_queue){
		.queue = number, .dmabuf_id = id, .steered = rule, .pid = pid};
	memcpy(queue->nic, nic->name, sizeof(queue->nic));
	if (rule)
		queue->port = rule->dst;
	read_command(queue);
	return 0;
}

static int add_nic(const struct devmem_nic *nic, const char *lease_dir, struct status *status)
{
	struct devmem_rule *rules;
	unsigned int n = read_rules(nic->name, &rules);
	int ret = 0;

	for (unsigned int queue = 0; !ret && queue < nic->rx_queues; queue++) {
		const struct devmem_rule *rule = NULL;

		for (unsigned int i = 0; i < n; i++)
			if (rules[i].queue == queue && rules[i].dst.ss_family)
				rule = &rules[i];
		ret = add_queue(nic, lease_dir, queue, rule, status);
	}
	free(rules);
	return ret;
}

/* Interfaces that stand on one NIC share its queues. */
static bool seen_before(const struct facts *facts, unsigned int i)
{
	for (unsigned int j = 0; j < i; j++)
		if (facts->nics[j].nic.ifindex == facts->nics[i].nic.ifindex)
			return true;
	return false;
}

int status_queues(const struct facts *facts, const char *lease_dir, struct status *status)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < facts->n_nics; i++)
		if (!seen_before(facts, i))
			ret = add_nic(&facts->nics[i].nic, lease_dir, status);
	return ret;
}

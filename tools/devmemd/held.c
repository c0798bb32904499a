// SPDX-License-Identifier: BSD-3-Clause
/* Who holds which queues, from the lease to the last trace of it. */
#include "devmemd.h"
#include "sockaddr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct held *held_add(struct broker *broker, struct client *client, struct claim *claim)
{
	struct held *held = calloc(1, sizeof(*held));

	if (!held)
		return NULL;
	held->id = ++broker->last_id ? broker->last_id : ++broker->last_id;
	held->client = client;
	held->claim = claim;
	held->next = broker->leases;
	broker->leases = held;
	client->leases++;
	broker->stats.leases++;
	broker->stats.granted++;
	broker->stats.queues += claim->n_queues;
	return held;
}

struct held *held_find(struct broker *broker, uint32_t id)
{
	struct held *held = broker->leases;

	while (held && held->id != id)
		held = held->next;
	return held;
}

static bool ghost_gone(const struct ghost *ghost)
{
	uint32_t id = 0;
	int ret = devmem_queue_binding(ghost->ifindex, ghost->queue, &id, NULL);

	return ret || id != ghost->dmabuf_id;
}

static void add_ghosts(struct broker *broker, const struct held *held)
{
	const struct claim *claim = held->claim;

	for (unsigned int i = 0; i < claim->n_queues; i++) {
		struct ghost *ghost = calloc(1, sizeof(*ghost));

		if (!ghost)
			return;
		memcpy(ghost->nic, claim->nic.name, sizeof(ghost->nic));
		ghost->ifindex = claim->nic.ifindex;
		ghost->queue = claim->queues[i].queue;
		ghost->dmabuf_id = devmem_binding_id(claim->binding);
		ghost->uid = held->client->user->uid;
		ghost->next = broker->ghosts;
		broker->ghosts = ghost;
	}
}

static void drop_ghosts(struct broker *broker)
{
	struct ghost **link = &broker->ghosts;

	while (*link) {
		struct ghost *ghost = *link;

		if (!ghost_gone(ghost)) {
			link = &ghost->next;
			continue;
		}
		*link = ghost->next;
		free(ghost);
	}
}

void held_end(struct broker *broker, struct held *held)
{
	struct held **link = &broker->leases;

	while (*link != held)
		link = &(*link)->next;
	*link = held->next;
	held->client->leases--;
	broker->stats.leases--;
	broker->stats.queues -= held->claim->n_queues;
	add_ghosts(broker, held);
	claim_close(held->claim);
	drop_ghosts(broker);
	free(held);
}

void held_end_all(struct broker *broker, const struct client *client)
{
	struct held *held = broker->leases;

	while (held) {
		struct held *next = held->next;

		if (held->client == client)
			held_end(broker, held);
		held = next;
	}
}

static bool is_ours(const struct broker *broker, const struct lease_note *note)
{
	for (const struct held *held = broker->leases; held; held = held->next)
		for (unsigned int i = 0; i < held->claim->n_queues; i++)
			if (held->claim->queues[i].queue == note->queue &&
			    !strcmp(held->claim->nic.name, note->nic))
				return true;
	return false;
}

static bool is_ghost(const struct broker *broker, const struct lease_note *note)
{
	for (const struct ghost *ghost = broker->ghosts; ghost; ghost = ghost->next)
		if (ghost->queue == note->queue && !strcmp(ghost->nic, note->nic))
			return true;
	return false;
}

struct count {
	struct broker *broker;
	const char *nic;
	uid_t uid;
	unsigned int queues;
};

static void count_note(const struct lease_note *note, void *arg)
{
	struct count *count = arg;

	if (note->uid == count->uid && !strcmp(note->nic, count->nic) &&
	    !is_ours(count->broker, note) && !is_ghost(count->broker, note))
		count->queues++;
}

unsigned int held_by(struct broker *broker, uid_t uid, const char *nic)
{
	struct count count = {.broker = broker, .nic = nic, .uid = uid};

	drop_ghosts(broker);
	for (const struct held *held = broker->leases; held; held = held->next)
		if (held->client->user->uid == uid && !strcmp(held->claim->nic.name, nic))
			count.queues += held->claim->n_queues;
	for (const struct ghost *ghost = broker->ghosts; ghost; ghost = ghost->next)
		if (ghost->uid == uid && !strcmp(ghost->nic, nic))
			count.queues++;
	broker->stats.recovered += lease_sweep(broker->lease_dir, count_note, &count);
	return count.queues;
}

struct search {
	struct broker *broker;
	uint32_t left; /* to skip */
	bool found;
	struct broker_reply *reply;
};

static void describe_note(const struct lease_note *note, void *arg)
{
	struct search *search = arg;

	if (search->found || is_ours(search->broker, note) || search->left--)
		return;
	search->found = true;
	search->reply->n_queues = 1;
	search->reply->queues[0] = (uint16_t)note->queue;
	search->reply->uid = note->uid;
	memcpy(search->reply->nic, note->nic, sizeof(note->nic));
}

int held_describe(struct broker *broker, uint32_t index, struct broker_reply *reply)
{
	struct search search = {.broker = broker, .left = index, .reply = reply};
	const struct held *held = broker->leases;

	for (; held && search.left; held = held->next)
		search.left--;
	if (!held) {
		broker->stats.recovered += lease_sweep(broker->lease_dir, describe_note, &search);
		return search.found ? 0 : -ENOENT;
	}
	reply->lease = held->id;
	reply->dmabuf_id = devmem_binding_id(held->claim->binding);
	reply->n_queues = held->claim->n_queues;
	for (unsigned int i = 0; i < held->claim->n_queues; i++)
		reply->queues[i] = (uint16_t)held->claim->queues[i].queue;
	reply->uid = held->client->user->uid;
	reply->pid = (uint32_t)held->client->pid;
	memcpy(reply->nic, held->claim->nic.name, sizeof(reply->nic));
	return 0;
}

static bool port_is_free(const struct sockaddr_storage *address)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_free = fd >= 0 &&
		       !bind(fd, (const struct sockaddr *)address, sockaddr_length(address));

	if (fd >= 0)
		close(fd);
	return is_free;
}

/*
 * The guard of a lease that was made before this broker's start died with the broker of that time.
 * Where the client has given a port up meanwhile, the rule must not catch the next owner's
 * traffic.
 */
static void check_orphan(const struct lease_note *note, void *arg)
{
	struct broker *broker = arg;

	if (!note->guarded || !note->ruled || is_ours(broker, note))
		return;
	for (unsigned int i = 0; i < note->ports; i++) {
		struct devmem_rule rule = lease_rule_at(&note->rule, i);

		if (port_is_free(&rule.dst) && !lease_rule_del(note->nic, &rule))
			broker->stats.recovered++;
	}
}

void held_sweep(struct broker *broker)
{
	unsigned int removed = lease_sweep(broker->lease_dir, check_orphan, broker);

	drop_ghosts(broker);
	broker->stats.recovered += removed;
	if (removed)
		fprintf(stderr, "removed %u steering rule(s) of processes that have ended\n",
			removed);
}

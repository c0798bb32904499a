// SPDX-License-Identifier: BSD-3-Clause
/* Answers the five requests. */
#include "devmemd.h"
#include "bind.h"
#include "nic.h"
#include "rss.h"
#include "steer.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void refuse(struct broker_reply *reply, int status,
							 const char *format, ...)
{
	va_list args;

	reply->status = status;
	va_start(args, format);
	vsnprintf(reply->text, sizeof(reply->text), format, args);
	va_end(args);
}

/* What stands against this client, whatever it asks for. */
static bool may_ask(const struct broker *broker, const struct client *client,
		    struct broker_reply *reply)
{
	if (client->stranger)
		refuse(reply, -EXDEV,
		       "devmemd at %s serves another network namespace than this process': run a "
		       "devmemd in this one, or the job in that one (--network=host)",
		       broker->socket_path);
	else if (!client->allowed)
		refuse(reply, -EACCES,
		       "devmemd does not lease queues to user %u: add the user to "
		       "group " POLICY_GROUP " (usermod -aG " POLICY_GROUP
		       " USER, then log in again), or "
		       "start devmemd with --allow-user",
		       (unsigned int)client->user->uid);
	return !reply->status;
}

/* Moves ordinary traffic off the queues that are to be leased, where devmemd was told to. If it
 * cannot, the lease is refused with what the user can do. */
static void keep_off(const struct broker *broker, const char *nic)
{
	int ret = broker->rss_queues ? rss_limit(nic, broker->rss_queues) : 0;

	if (ret)
		fprintf(stderr,
			"cannot keep ordinary traffic to %u queues of %s: %s; ethtool -x "
			"%s\n",
			broker->rss_queues, nic, strerror(-ret), nic);
}

static bool find_nic(const struct broker *broker, const struct broker_request *request,
		     struct devmem_nic *nic, struct broker_reply *reply)
{
	*nic = (struct devmem_nic){.addr = request->addr};
	nic->ifindex = if_nametoindex(request->nic);
	/* A device may have other names; leases are noted under the one. */
	if (!nic->ifindex || !if_indextoname(nic->ifindex, nic->name)) {
		refuse(reply, -ENODEV,
		       "devmemd sees no network device %s in its network namespace: ip link",
		       request->nic);
		return false;
	}
	memcpy(nic->ifname, nic->name, sizeof(nic->ifname));
	if (!nic_filter_match(broker->interfaces, nic->name)) {
		refuse(reply, -EACCES,
		       "devmemd was told not to lease queues of %s: see its --interfaces",
		       nic->name);
		return false;
	}
	nic->rx_queues = steer_rx_queues(nic->name);
	keep_off(broker, nic->name);
	return true;
}

/* How many of the @wanted queues this user may have now; 0 is a refusal. */
static unsigned int allowance(struct broker *broker, const struct client *client,
			      const struct devmem_nic *nic, unsigned int wanted,
			      struct broker_reply *reply)
{
	unsigned int most = broker->user_queues ? broker->user_queues : nic->rx_queues / 2;
	unsigned int has;

	if (!client->user->uid)
		return wanted;
	most = most ? most : 1;
	has = held_by(broker, client->user->uid, nic->name);
	if (has < most)
		return wanted < most - has ? wanted : most - has;
	refuse(reply, -EDQUOT,
	       "user %u holds %u rx queues of %s, and one user may have %u: end another job of "
	       "this user (devmemctl lease shows them), or start devmemd with a larger "
	       "--queues-per-user",
	       (unsigned int)client->user->uid, has, nic->name, most);
	return 0;
}

static unsigned int collect(const struct claim *claim, int *fds)
{
	unsigned int n = 0;

	fds[n++] = binding_fd(claim->binding);
	for (unsigned int i = 0; i < claim->n_queues; i++)
		for (unsigned int k = 0; k < claim->queues[i].n_sockets; k++)
			fds[n++] = claim->queues[i].sockets[k].fd;
	for (unsigned int i = 0; i < claim->n_queues; i++)
		fds[n++] = claim->queues[i].lease->lock;
	return n;
}

static void log_lease(const struct client *client, const struct claim *claim)
{
	fprintf(stderr, "user %u, process %d: leased %u rx queue(s) of %s, from %u down\n",
		(unsigned int)client->user->uid, (int)client->pid, claim->n_queues, claim->nic.name,
		claim->queues[0].queue);
}

static int answer_lease(struct broker *broker, struct client *client, struct claim *claim,
			struct broker_reply *reply)
{
	struct held *held = held_add(broker, client, claim);
	int fds[BROKER_MAX_FDS];

	if (!held) {
		claim_close(claim);
		refuse(reply, -ENOMEM, "devmemd is out of memory");
		return message_send(client, reply, NULL, 0);
	}
	reply->lease = held->id;
	reply->dmabuf_id = devmem_binding_id(claim->binding);
	reply->buffer = (uint32_t)claim->buffer;
	reply->n_queues = claim->n_queues;
	for (unsigned int i = 0; i < claim->n_queues; i++)
		reply->queues[i] = (uint16_t)claim->queues[i].queue;
	log_lease(client, claim);
	return message_send(client, reply, fds, collect(claim, fds));
}

static int handle_lease(struct broker *broker, struct client *client,
			const struct broker_request *request, int dmabuf_fd,
			struct broker_reply *reply)
{
	struct claim_options options = {
		.dmabuf_fd = dmabuf_fd,
		.connectors = request->connectors,
		.receive_buffer = request->receive_buffer,
		.buffer = request->buffer,
		.lease_dir = broker->lease_dir,
		.uid = client->user->uid,
		.guard = true,
	};
	struct devmem_error err = {0};
	struct claim *claim = NULL;
	struct devmem_nic nic;

	if (dmabuf_fd < 0)
		refuse(reply, -EBADF, "a lease needs the dmabuf that payload goes to");
	else if (find_nic(broker, request, &nic, reply))
		options.queues = allowance(broker, client, &nic, request->queues, reply);
	if (!reply->status && claim_open(&nic, &options, &claim, &err))
		refuse(reply, err.code, "%s", err.text);
	if (claim)
		return answer_lease(broker, client, claim, reply);
	broker->stats.refused++;
	return message_send(client, reply, NULL, 0);
}

static void handle_release(struct broker *broker, const struct client *client, uint32_t id,
			   struct broker_reply *reply)
{
	struct held *held = held_find(broker, id);
	uid_t uid = client->user->uid;

	if (!held)
		refuse(reply, -ENOENT, "devmemd has no lease %u", id);
	else if (uid && held->client->user->uid != uid)
		refuse(reply, -EPERM, "lease %u belongs to user %u", id,
		       (unsigned int)held->client->user->uid);
	else
		held_end(broker, held);
}

int request_handle(struct broker *broker, struct client *client,
		   const struct broker_request *request, int dmabuf_fd)
{
	struct broker_reply reply = {.type = request->type};

	if (!may_ask(broker, client, &reply)) {
		broker->stats.refused++;
		return message_send(client, &reply, NULL, 0);
	}
	switch (request->type) {
	case BROKER_HELLO:
		break;
	case BROKER_LEASE:
		return handle_lease(broker, client, request, dmabuf_fd, &reply);
	case BROKER_RELEASE:
		handle_release(broker, client, request->lease, &reply);
		break;
	case BROKER_LIST:
		reply.status = held_describe(broker, request->index, &reply);
		break;
	case BROKER_STATS:
		reply.stats = broker->stats;
		break;
	}
	return message_send(client, &reply, NULL, 0);
}

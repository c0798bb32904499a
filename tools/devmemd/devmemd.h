/* SPDX-License-Identifier: BSD-3-Clause */
/* The broker's state: options, connections, users, leases. */
#ifndef DEVMEMD_H
#define DEVMEMD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker_wire.h"
#include "claim.h"
#include "policy.h"

#define MAX_CLIENTS 10000
#define MAX_CLIENTS_PER_USER 256
#define IDLE_MS 10000 /* a connection without a lease that asks for nothing */
#define TICK_MS 500   /* between looks for what the dead have left */

/* One user with connections. */
struct user {
	struct user *next;
	uid_t uid;
	unsigned int clients;
};

struct client {
	struct client *next, *prev;
	struct user *user;
	int fd;
	pid_t pid;
	bool allowed;  /* by the policy, when it connected */
	bool stranger; /* it belongs to another network namespace */
	unsigned int leases;
	int64_t idle_until_ms;
};

/* A lease of a client. */
struct held {
	struct held *next;
	struct client *client;
	struct claim *claim;
	uint32_t id;
};

/* A queue of a lease that has ended, which the client still keeps bound by its copy of the netlink
 * socket. */
struct ghost {
	struct ghost *next;
	char nic[DEVMEM_NIC_NAME];
	unsigned int ifindex, queue;
	uint32_t dmabuf_id;
	uid_t uid;
};

struct broker {
	const char *socket_path;
	const char *lease_dir;
	const char *interfaces;	  /* in the form of NCCL_SOCKET_IFNAME; NULL: any */
	unsigned int user_queues; /* of a NIC, of one user; 0: one half of the NIC's */
	unsigned int rss_queues;  /* ordinary traffic is kept to so many; 0: where it is */
	struct policy policy;
	int listener, epoll;
	bool deaf; /* the listener waits for descriptors to become free */
	uint64_t network_namespace;
	struct client *clients;
	struct user *users;
	struct held *leases;
	struct ghost *ghosts;
	uint32_t last_id;
	struct broker_stats stats;
};

/* server.c: waits for clients, and never for one of them. Returns -errno when it cannot go on. */
int serve(struct broker *broker);
void client_drop(struct broker *broker, struct client *client);

/* message.c */
/* Reads one message. *@fd becomes the descriptor that came with it, or -1. -EAGAIN: there is none;
 * -ECONNRESET: the client is gone; -EPROTO: no message of ours; -EMSGSIZE: with several
 * descriptors. */
int message_receive(struct client *client, struct broker_request *request, int *fd);
/* Sends @reply with @n descriptors. -EPIPE: the client is gone, or does not read. */
int message_send(struct client *client, const struct broker_reply *reply, const int *fds,
		 unsigned int n);
/* Closes what a client has sent, or the connection to it, without waiting for anybody. */
void patient_close(int fd);

/* request.c: answers one request; an error ends the connection. */
int request_handle(struct broker *broker, struct client *client,
		   const struct broker_request *request, int dmabuf_fd);

/* held.c */
/* Remembers @claim, which then is the broker's. NULL when out of memory. */
struct held *held_add(struct broker *broker, struct client *client, struct claim *claim);
struct held *held_find(struct broker *broker, uint32_t id);
void held_end(struct broker *broker, struct held *held);
void held_end_all(struct broker *broker, const struct client *client);
/* Queues of @nic that count for @uid: held now, held since before this broker's start, or kept
 * bound after the end. */
unsigned int held_by(struct broker *broker, uid_t uid, const char *nic);
/* The lease number @index of all. -ENOENT after the last. */
int held_describe(struct broker *broker, uint32_t index, struct broker_reply *reply);
/* Removes what the dead have left. */
void held_sweep(struct broker *broker);

#endif

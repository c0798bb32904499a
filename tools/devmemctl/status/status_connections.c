// SPDX-License-Identifier: BSD-3-Clause
/* Looks at TCP connections, by the kernel's socket diagnostics: those to steered ports, and all of
 * the processes that hold leases or write counters. */
#include "status.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#define STATE(state) (1u << (state))
#define ESTABLISHED 1
#define CLOSE_WAIT 8

struct owner {
	uint32_t inode;
	pid_t pid;
};

struct look {
	struct status *status;
	unsigned int n_owners;
	struct owner *owners; /* by inode */
	int ret;
};

static int by_inode(const void *a, const void *b)
{
	uint32_t one = ((const struct owner *)a)->inode, other = ((const struct owner *)b)->inode;

	return (one > other) - (one < other);
}

/* The sockets of a process, if it may be looked at. */
static int add_sockets(struct look *look, pid_t pid)
{
	char folder[32], path[300], target[64];
	struct dirent *entry;
	int ret = 0;
	DIR *fds;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
	fds = opendir(folder);
	while (!ret && fds && (entry = readdir(fds))) {
		ssize_t n;
		struct owner *owner;
		uint32_t inode;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) != 1)
			continue;
		owner = status_add((void **)&look->owners, &look->n_owners, sizeof(*owner));
		if (owner)
			*owner = (struct owner){inode, pid};
		ret = owner ? 0 : -ENOMEM;
	}
	if (fds)
		closedir(fds);
	return ret;
}

static int find_owners(struct look *look)
{
	const struct status *status = look->status;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < status->n_queues; i++)
		if (status->queues[i].pid &&
		    (!i || status->queues[i].pid != status->queues[i - 1].pid))
			ret = add_sockets(look, status->queues[i].pid);
	for (unsigned int i = 0; !ret && i < status->n_processes; i++)
		if (status->processes[i].alive)
			ret = add_sockets(look, status->processes[i].pid);
	if (look->n_owners)
		qsort(look->owners, look->n_owners, sizeof(*look->owners), by_inode);
	return ret;
}

static pid_t owner_of(const struct look *look, uint32_t inode)
{
	const struct owner key = {.inode = inode}, *found;

	found = look->n_owners ? bsearch(&key, look->owners, look->n_owners, sizeof(key), by_inode)
			       : NULL;
	return found ? found->pid : 0;
}

static void put_address(struct sockaddr_storage *addr, uint8_t family, const __be32 *ip,
			__be16 port)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *four = (struct sockaddr_in *)addr;

	addr->ss_family = family;
	if (family == AF_INET) {
		memcpy(&four->sin_addr, ip, sizeof(four->sin_addr));
		four->sin_port = port;
	} else if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)ip)) {
		addr->ss_family = AF_INET;
		memcpy(&four->sin_addr, &ip[3], sizeof(four->sin_addr));
		four->sin_port = port;
	} else {
		memcpy(&six->sin6_addr, ip, sizeof(six->sin6_addr));
		six->sin6_port = port;
	}
}

static bool is_steered(const struct status *status, const struct sockaddr_storage *local)
{
	for (unsigned int i = 0; i < status->n_queues; i++)
		if (status->queues[i].steered && sockaddr_equal(&status->queues[i].port, local))
			return true;
	return false;
}

static int take_socket(struct nl_msg *msg, void *arg)
{
	struct look *look = arg;
	struct status *status = look->status;
	const struct inet_diag_msg *diag = nlmsg_data(nlmsg_hdr(msg));
	struct status_connection one = {.inode = diag->idiag_inode, .unread = diag->idiag_rqueue};
	struct status_connection *added;
	struct nlattr *attrs[INET_DIAG_MAX + 1];

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*diag), attrs, INET_DIAG_MAX, NULL))
		return NL_OK;
	put_address(&one.local, diag->idiag_family, diag->id.idiag_src, diag->id.idiag_sport);
	put_address(&one.peer, diag->idiag_family, diag->id.idiag_dst, diag->id.idiag_dport);
	one.cookie = (uint64_t)diag->id.idiag_cookie[1] << 32 | diag->id.idiag_cookie[0];
	one.steered = is_steered(status, &one.local);
	one.pid = owner_of(look, one.inode);
	if (!one.steered && !one.pid)
		return NL_OK;
	if (attrs[INET_DIAG_INFO])
		status_tcp_info(&one, nla_data(attrs[INET_DIAG_INFO]),
				(size_t)nla_len(attrs[INET_DIAG_INFO]));
	added = status_add((void **)&status->connections, &status->n_connections, sizeof(one));
	if (added)
		*added = one;
	else
		look->ret = -ENOMEM;
	return NL_OK;
}

static int ask(struct look *look, uint8_t family)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = 1 << (INET_DIAG_INFO - 1),
		.idiag_states = STATE(ESTABLISHED) | STATE(CLOSE_WAIT),
	};
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, take_socket, look);
	/* A kernel without the diagnostics shows no connections; that is all that is lost. */
	if (!nl_connect(sock, NETLINK_SOCK_DIAG) &&
	    nl_send_simple(sock, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, sizeof(request)) >= 0)
		(void)nl_recvmsgs_default(sock);
	nl_socket_free(sock);
	return look->ret;
}

int status_connections(struct status *status)
{
	struct look look = {.status = status};

	look.ret = find_owners(&look);
	if (!look.ret)
		look.ret = ask(&look, AF_INET);
	if (!look.ret)
		look.ret = ask(&look, AF_INET6);
	free(look.owners);
	return look.ret;
}

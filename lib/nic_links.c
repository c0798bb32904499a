// SPDX-License-Identifier: BSD-3-Clause
/* The interfaces of a network namespace and what they stand on, by rtnetlink. */
#include "nic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 10

struct table {
	struct nic_link *links;
	unsigned int n;
	int error;
};

static void read_kind(struct nic_link *link, struct nlattr *attr)
{
	struct nlattr *info[IFLA_INFO_MAX + 1], *active;

	if (!attr || nla_parse_nested(info, IFLA_INFO_MAX, attr, NULL) < 0 || !info[IFLA_INFO_KIND])
		return;
	nla_strlcpy(link->kind, info[IFLA_INFO_KIND], sizeof(link->kind));
	if (strcmp(link->kind, "bond") || !info[IFLA_INFO_DATA])
		return;
	/* Only modes that use one member at a time have an active one. */
	active = nla_find(nla_data(info[IFLA_INFO_DATA]), nla_len(info[IFLA_INFO_DATA]),
			  IFLA_BOND_ACTIVE_SLAVE);
	if (active)
		link->active = nla_get_u32(active);
}

static int on_link(struct nl_msg *msg, void *arg)
{
	struct table *table = arg;
	struct nlattr *attrs[IFLA_MAX + 1];
	struct nic_link *links, *link;
	const struct ifinfomsg *info = nlmsg_data(nlmsg_hdr(msg));

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(*info), attrs, IFLA_MAX, NULL) < 0 ||
	    !attrs[IFLA_IFNAME])
		return NL_OK;
	links = realloc(table->links, (table->n + 1) * sizeof(*links));
	if (!links) {
		table->error = -ENOMEM;
		return NL_STOP;
	}
	table->links = links;
	link = &links[table->n++];
	*link = (struct nic_link){.ifindex = (unsigned int)info->ifi_index};
	nla_strlcpy(link->name, attrs[IFLA_IFNAME], sizeof(link->name));
	if (attrs[IFLA_LINK])
		link->below = nla_get_u32(attrs[IFLA_LINK]);
	link->below_elsewhere = attrs[IFLA_LINK_NETNSID] != NULL;
	if (attrs[IFLA_MASTER])
		link->master = nla_get_u32(attrs[IFLA_MASTER]);
	read_kind(link, attrs[IFLA_LINKINFO]);
	return NL_OK;
}

/* One list. -EAGAIN: it changed while it was read. */
static int ask_once(struct table *table)
{
	struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
	struct nl_sock *sock = nl_socket_alloc();
	int ret;

	table->n = 0;
	if (!sock)
		return -ENOMEM;
	ret = nl_connect(sock, NETLINK_ROUTE);
	if (ret) {
		nl_socket_free(sock);
		return -EPROTONOSUPPORT;
	}
	fcntl(nl_socket_get_fd(sock), F_SETFD, FD_CLOEXEC);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_link, table);
	ret = nl_send_simple(sock, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	if (ret >= 0)
		ret = nl_recvmsgs_default(sock);
	nl_socket_free(sock); /* with what is left of a list that was given up */
	if (ret == -NLE_DUMP_INTR)
		return -EAGAIN;
	return ret < 0 ? -EIO : table->error;
}

/* Where containers come and go all the time, a list with a gap is better than none: the interfaces
 * that are asked about are not those that come and go. */
static int ask(struct table *table)
{
	int ret = -EAGAIN;

	for (unsigned int i = 0; ret == -EAGAIN && i < MAX_TRIES; i++)
		ret = ask_once(table);
	return ret == -EAGAIN && table->n ? 0 : ret;
}

int nic_links(struct nic_link **links)
{
	struct table table = {0};
	int ret = ask(&table);

	*links = NULL;
	if (ret) {
		free(table.links);
		return ret;
	}
	*links = table.links;
	return (int)table.n;
}

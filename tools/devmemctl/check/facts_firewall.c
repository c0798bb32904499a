// SPDX-License-Identifier: BSD-3-Clause
/* Looks for an nf_tables chain that drops by default what comes in. */
#include "facts.h"

#include <endian.h>
#include <netinet/in.h> /* before the kernel's headers, which then leave its names alone */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	default:
		return NULL;
	}
}

/* True for a base chain of the hook through which local sockets receive, with policy drop. */
static bool drops_input(struct nlattr **chain)
{
	struct nlattr *hook[NFTA_HOOK_MAX + 1];

	if (!chain[NFTA_CHAIN_HOOK] || !chain[NFTA_CHAIN_POLICY] ||
	    nla_parse_nested(hook, NFTA_HOOK_MAX, chain[NFTA_CHAIN_HOOK], NULL) ||
	    !hook[NFTA_HOOK_HOOKNUM])
		return false;
	return be32toh(nla_get_u32(hook[NFTA_HOOK_HOOKNUM])) == NF_INET_LOCAL_IN &&
	       be32toh(nla_get_u32(chain[NFTA_CHAIN_POLICY])) == NF_DROP;
}

static int take_chain(struct nl_msg *msg, void *arg)
{
	struct firewall_facts *firewall = arg;
	const struct nfgenmsg *head = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *chain[NFTA_CHAIN_MAX + 1];
	const char *family = family_name(head->nfgen_family);

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*head), chain, NFTA_CHAIN_MAX, NULL) || !family ||
	    firewall->chain[0] || !drops_input(chain) || !chain[NFTA_CHAIN_TABLE] ||
	    !chain[NFTA_CHAIN_NAME])
		return NL_OK;
	snprintf(firewall->chain, sizeof(firewall->chain), "%s %s %s", family,
		 nla_get_string(chain[NFTA_CHAIN_TABLE]), nla_get_string(chain[NFTA_CHAIN_NAME]));
	return NL_OK;
}

static int ask(struct nl_sock *sock, struct firewall_facts *firewall)
{
	struct nfgenmsg head = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
	int type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;

	if (nl_connect(sock, NETLINK_NETFILTER) ||
	    nl_send_simple(sock, type, NLM_F_DUMP, &head, sizeof(head)) < 0)
		return -1;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, take_chain, firewall);
	return nl_recvmsgs_default(sock);
}

static void read_ports(struct firewall_facts *firewall)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (!file || fscanf(file, "%u %u", &firewall->first_port, &firewall->last_port) != 2) {
		firewall->first_port = 32768; /* the kernel's own choice */
		firewall->last_port = 60999;
	}
	if (file)
		fclose(file);
}

void facts_firewall(struct firewall_facts *firewall)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return;
	read_ports(firewall);
	firewall->looked = !ask(sock, firewall);
	nl_socket_free(sock);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Teaches ip(8) the link type dmnic: pairs, stacked devices, and faults on request.
 *
 * ip loads $IP_LIB_DIR/link_dmnic.so and looks for dmnic_link_util (iproute2, ip/iplink.c:
 * get_link_kind).
 */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmnic_uapi.h"

/* As in iproute2 4.0 to 6.x, ip/ip_common.h. */
struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *util, int argc, char **argv, struct nlmsghdr *msg);
	void (*print_opt)(struct link_util *util, FILE *stream, struct rtattr *attrs[]);
	void (*print_xstats)(struct link_util *util, FILE *stream, struct rtattr *attr);
	void (*print_help)(struct link_util *util, int argc, char **argv, FILE *stream);
	int (*parse_ifla_xstats)(struct link_util *util, int argc, char **argv);
	int (*print_ifla_xstats)(struct nlmsghdr *msg, void *arg);
};

static struct rtattr *put(struct nlmsghdr *msg, unsigned short type, const void *data, size_t len)
{
	struct rtattr *attr = (void *)((char *)msg + NLMSG_ALIGN(msg->nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	if (data)
		memcpy(RTA_DATA(attr), data, len);
	else
		memset(RTA_DATA(attr), 0, len);
	msg->nlmsg_len = NLMSG_ALIGN(msg->nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

static int put_netns(struct nlmsghdr *msg, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path,
		  O_RDONLY | O_CLOEXEC); /* must stay open until the kernel has read the message */
	if (fd < 0) {
		fprintf(stderr, "no network namespace '%s' in /run/netns\n", name);
		return -1;
	}
	put(msg, IFLA_NET_NS_FD, &fd, sizeof(fd));
	return 0;
}

static const char *const fault_names[DMNIC_N_FAULTS] = {
	[DMNIC_FAULT_LINEAR] = "linear",       [DMNIC_FAULT_PARTIAL] = "partial",
	[DMNIC_FAULT_SPLIT] = "split",	       [DMNIC_FAULT_LOSS] = "loss",
	[DMNIC_FAULT_DUPLICATE] = "duplicate", [DMNIC_FAULT_REORDER] = "reorder",
	[DMNIC_FAULT_CORRUPT] = "corrupt",     [DMNIC_FAULT_NOBUF] = "nobuf",
	[DMNIC_FAULT_MISSTEER] = "missteer",   [DMNIC_FAULT_BIND] = "bind",
	[DMNIC_FAULT_RESTART] = "restart",
};

static void end_nest(const struct nlmsghdr *msg, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((const char *)msg + msg->nlmsg_len - (char *)nest);
}

/* peer name NAME [netns NAME]: the rest of the line. */
static int parse_peer(int argc, char **argv, struct nlmsghdr *msg)
{
	struct rtattr *peer = put(msg, IFLA_DMNIC_PEER, NULL, sizeof(struct ifinfomsg));

	for (; argc >= 2; argc -= 2, argv += 2) {
		if (!strcmp(argv[0], "name")) {
			put(msg, IFLA_IFNAME, argv[1], strlen(argv[1]) + 1);
		} else if (strcmp(argv[0], "netns") || put_netns(msg, argv[1])) {
			fprintf(stderr, "dmnic: bad peer option '%s'\n", argv[0]);
			return -1;
		}
	}
	end_nest(msg, peer);
	return argc ? -1 : 0;
}

/* FAULT N: the fault happens to one in N, 0 never. */
static int put_fault(struct nlmsghdr *msg, const char *name, const char *number)
{
	char *end;
	unsigned long one_in = strtoul(number, &end, 10);
	unsigned int value = (unsigned int)one_in;

	if (end == number || *end || one_in > UINT32_MAX) {
		fprintf(stderr,
			"dmnic: '%s' after '%s' is not a number: it strikes one in so many\n",
			number, name);
		return -1;
	}
	for (unsigned short i = 0; i < DMNIC_N_FAULTS; i++) {
		if (strcmp(name, fault_names[i]))
			continue;
		put(msg, (unsigned short)(i + 1), &value, sizeof(value));
		return 0;
	}
	fprintf(stderr, "dmnic: no fault is called '%s': see ip link help dmnic\n", name);
	return -1;
}

static int parse_opt(struct link_util *util, int argc, char **argv, struct nlmsghdr *msg)
{
	struct rtattr *faults;

	if (argc && !strcmp(argv[0], "peer"))
		return parse_peer(argc - 1, argv + 1, msg);
	faults = put(msg, IFLA_DMNIC_FAULTS | NLA_F_NESTED, NULL, 0);
	for (; argc; argc -= 2, argv += 2) {
		if (put_fault(msg, argv[0], argc > 1 ? argv[1] : ""))
			return -1;
	}
	end_nest(msg, faults);
	return 0;
}

static void print_opt(struct link_util *util, FILE *stream, struct rtattr *attrs[])
{
	struct rtattr *fault;
	int left;

	if (!attrs || !attrs[IFLA_DMNIC_FAULTS])
		return;
	left = (int)RTA_PAYLOAD(attrs[IFLA_DMNIC_FAULTS]);
	for (fault = RTA_DATA(attrs[IFLA_DMNIC_FAULTS]); RTA_OK(fault, left);
	     fault = RTA_NEXT(fault, left)) {
		unsigned int i = fault->rta_type - 1, one_in;

		memcpy(&one_in, RTA_DATA(fault), sizeof(one_in));
		if (i < DMNIC_N_FAULTS)
			fprintf(stream, "%s %u ", fault_names[i], one_in);
	}
}

static void print_help(struct link_util *util, int argc, char **argv, FILE *stream)
{
	fprintf(stream,
		"Usage: ip link add NAME [numrxqueues N] [numtxqueues N] type dmnic peer "
		"name NAME [netns NAME]\n"
		"       ip link add link DEV NAME type dmnic\n"
		"       ip link set NAME type dmnic FAULT N...  (strikes one in N, 0: never)\n"
		"FAULT :=");
	for (unsigned int i = 0; i < DMNIC_N_FAULTS; i++)
		fprintf(stream, " %s", fault_names[i]);
	fprintf(stream, "\n");
}

struct link_util dmnic_link_util __attribute__((visibility("default"))) = {
	.id = "dmnic",
	.maxattr = IFLA_DMNIC_MAX,
	.parse_opt = parse_opt,
	.print_opt = print_opt,
	.print_help = print_help,
};

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Teaches ip(8) the link type dmnic: ip link add dm0 type dmnic peer name dm1 [netns NAME].
 * ip loads $IP_LIB_DIR/link_dmnic.so and looks for dmnic_link_util (iproute2, ip/iplink.c:
 * get_link_kind).
 */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>

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

static int parse_opt(struct link_util *util, int argc, char **argv, struct nlmsghdr *msg)
{
	struct rtattr *peer;

	if (argc < 1 || strcmp(argv[0], "peer")) {
		fprintf(stderr, "dmnic: expected 'peer name NAME', got '%s'\n",
			argc ? argv[0] : "");
		return -1;
	}
	peer = put(msg, VETH_INFO_PEER, NULL, sizeof(struct ifinfomsg));
	for (argc--, argv++; argc >= 2; argc -= 2, argv += 2) {
		if (!strcmp(argv[0], "name")) {
			put(msg, IFLA_IFNAME, argv[1], strlen(argv[1]) + 1);
		} else if (strcmp(argv[0], "netns") || put_netns(msg, argv[1])) {
			fprintf(stderr, "dmnic: bad peer option '%s'\n", argv[0]);
			return -1;
		}
	}
	peer->rta_len = (unsigned short)((char *)msg + msg->nlmsg_len - (char *)peer);
	return argc ? -1 : 0;
}

static void print_help(struct link_util *util, int argc, char **argv, FILE *stream)
{
	fprintf(stream, "Usage: ip link add NAME [numrxqueues N] [numtxqueues N] type dmnic peer "
			"name NAME [netns NAME]\n");
}

struct link_util dmnic_link_util __attribute__((visibility("default"))) = {
	.id = "dmnic",
	.maxattr = VETH_INFO_MAX,
	.parse_opt = parse_opt,
	.print_help = print_help,
};

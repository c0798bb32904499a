// SPDX-License-Identifier: BSD-3-Clause
/* devmemd: reads the command line, opens the socket, gives up privileges, then serves. */
#include "devmemd.h"
#include "notify.h"
#include "privilege.h"

#include <argp.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
/* Connections, and what their leases keep open: a netlink socket, two sockets and two files for
 * each queue. */
#define DESCRIPTORS (MAX_CLIENTS + 8192)

#define MOST_QUEUES 65535

enum { OPTION_LEASES = 256, OPTION_RSS };

static const struct argp_option options[] = {
	{"socket", 's', "PATH", 0, "where clients connect (default " BROKER_SOCKET ")", 0},
	{"allow-user", 'u', "USER", 0, "a user that may lease queues; may be repeated", 0},
	{"allow-group", 'g', "GROUP", 0,
	 "a group whose members may; may be repeated (default " POLICY_GROUP ", if there is one)",
	 0},
	{"interfaces", 'i', "LIST", 0,
	 "NICs to lease queues of, in the form of NCCL_SOCKET_IFNAME (default all)", 0},
	{"queues-per-user", 'q', "N", 0,
	 "rx queues of a NIC that one user may have (default one half of them)", 0},
	{"rss-queues", OPTION_RSS, "N", 0,
	 "keep ordinary traffic of a NIC to its first N queues when others are leased, as ethtool "
	 "-X NIC equal N does (default leave it, and lease none that it comes by)",
	 0},
	{"lease-dir", OPTION_LEASES, "DIR", 0,
	 "where leases are noted, the same for all jobs of the machine (default " LEASE_DIR ")", 0},
	{0},
};

static error_t parse_policy(int key, const char *name, struct broker *broker,
			    struct argp_state *state)
{
	int ret = key == 'u' ? policy_add_user(&broker->policy, name)
			     : policy_add_group(&broker->policy, name);

	if (ret == -ENOSPC)
		argp_error(state, "more than %d users or groups: make a group of them", POLICY_MAX);
	else if (ret)
		argp_error(state, "there is no %s '%s': see getent %s",
			   key == 'u' ? "user" : "group", name, key == 'u' ? "passwd" : "group");
	return 0;
}

static unsigned int parse_queues(const char *text, const char *option, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || !number || number > MOST_QUEUES)
		argp_error(state, "%s is a number from 1 to %d, not '%s'", option, MOST_QUEUES,
			   text);
	return (unsigned int)number;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct broker *broker = state->input;

	switch (key) {
	case 's':
		broker->socket_path = arg;
		return 0;
	case 'u':
	case 'g':
		return parse_policy(key, arg, broker, state);
	case 'i':
		broker->interfaces = arg;
		return 0;
	case 'q':
		broker->user_queues = parse_queues(arg, "--queues-per-user", state);
		return 0;
	case OPTION_RSS:
		broker->rss_queues = parse_queues(arg, "--rss-queues", state);
		return 0;
	case OPTION_LEASES:
		broker->lease_dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!broker->policy.n_groups && getgrnam(POLICY_GROUP))
			(void)policy_add_group(&broker->policy, POLICY_GROUP);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool somebody_serves(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool serves = fd >= 0 && !connect(fd, (const struct sockaddr *)address, sizeof(*address));

	if (fd >= 0)
		close(fd);
	return serves;
}

/* The folder is made, if need be; one level of it. */
static void make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		(void)mkdir(folder, 0755);
	}
}

/* Under a name of its own first, so that clients meet it when it is ready, or not at all. Everybody
 * may connect, and be told why not; the policy decides. */
static int publish_socket(int fd, struct sockaddr_un *address, const char *path)
{
	int length = snprintf(address->sun_path, sizeof(address->sun_path), "%s.new", path);

	if (length >= (int)sizeof(address->sun_path))
		return -ENAMETOOLONG;
	(void)unlink(address->sun_path);
	if (bind(fd, (struct sockaddr *)address, sizeof(*address)) ||
	    chmod(address->sun_path, 0666) || listen(fd, BACKLOG) ||
	    rename(address->sun_path, path))
		return -errno;
	return 0;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (somebody_serves(&address))
		return -EADDRINUSE;
	make_folder(path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = publish_socket(fd, &address, path);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

static int find_namespace(struct broker *broker)
{
	socklen_t size = sizeof(broker->network_namespace);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &broker->network_namespace, &size))
		ret = -errno;
	close(fd);
	return ret;
}

/* It interrupts what would wait for a client (message.c). */
static void on_alarm(int number)
{
}

static void settle(void)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct rlimit limit = {.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};

	sigaction(SIGALRM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (setrlimit(RLIMIT_NOFILE, &limit) && !getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	umask(022);
}

/* The journal says what is to be removed from NICs, so nobody else may write it. */
static int prepare_leases(const char *folder)
{
	struct stat status;

	if (mkdir(folder, 0755) && errno != EEXIST)
		return -errno;
	if (stat(folder, &status))
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	return status.st_uid != geteuid() || status.st_mode & (S_IWGRP | S_IWOTH) ? -EPERM : 0;
}

static int fail(const char *what, int code, const char *next)
{
	fprintf(stderr, "devmemd: cannot %s: %s; %s\n", what, strerror(-code), next);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Leases receive queues of NICs, bound to device memory, to processes "
		       "without privilege.",
	};
	struct broker broker = {.socket_path = BROKER_SOCKET, .lease_dir = LEASE_DIR};
	int ret;

	argp_program_version = "devmemd " DEVMEM_VERSION;
	argp_parse(&argp, argc, argv, 0, NULL, &broker);
	settle();
	broker.listener = notify_socket();
	if (broker.listener == -EINVAL)
		return fail("use the sockets of systemd", -EINVAL,
			    "devmemd.socket must have one ListenSequentialPacket=");
	if (broker.listener < 0)
		broker.listener = open_socket(broker.socket_path);
	if (broker.listener < 0)
		return fail("listen", broker.listener,
			    broker.listener == -EADDRINUSE
				    ? "another devmemd serves there: systemctl status devmemd"
				    : "start as root, or name another --socket");
	ret = find_namespace(&broker);
	if (ret)
		return fail("tell network namespaces apart", ret, "this needs Linux 5.14 or later");
	ret = prepare_leases(broker.lease_dir);
	if (ret)
		return fail("note leases", ret,
			    "the folder must be root's own and nobody else's to write "
			    "(chown root, chmod 755), or name another --lease-dir");
	notify_start();
	ret = privilege_drop();
	if (ret)
		return fail("keep CAP_NET_ADMIN", ret,
			    "start with it: as root, or as systemd/devmemd.service does");
	ret = privilege_filter();
	if (ret)
		return fail("filter system calls", ret,
			    "the kernel needs CONFIG_SECCOMP_FILTER, the machine x86-64 or arm64");
	fprintf(stderr, "serving at %s\n", broker.socket_path);
	notify("READY=1");
	ret = serve(&broker);
	return fail("wait for clients", ret, "see dmesg; leases go on, start devmemd again");
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * guest-wires GUESTS NETWORKS CMD...: runs CMD with Ethernet between test kernels as inherited
 * descriptors: guest g (0, 1, ...) is on network k by descriptor 100 * (g + 1) + k. A frame is one
 * message of a socket. Two guests are joined by a wire, more by a switch for each network, a
 * process that ends when nobody has a descriptor of its network any more.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switch.h"

#define FIRST_END 100 /* of guest 0; those of the others follow in steps as large */
#define MAX_NETWORKS 100

static int make_wire(int ends[2])
{
	int bytes = 8 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		return -1;
	for (int i = 0; i < 2; i++) {
		if (ends[i] >= FIRST_END) {
			errno = EMFILE;
			return -1;
		}
		/* As much as net.core.wmem_max lets have: a full wire makes the sender wait. */
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	}
	return 0;
}

static int give(int fd, unsigned int guest, unsigned int network)
{
	int end = FIRST_END * (int)(guest + 1) + (int)network;

	if (dup2(fd, end) < 0)
		return -1;
	return close(fd);
}

static int join_two(unsigned int network)
{
	int ends[2];

	return make_wire(ends) || give(ends[0], 0, network) || give(ends[1], 1, network) ? -1 : 0;
}

static int start_switch(const int *ports, unsigned int n, unsigned int network)
{
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		/* The guests' ends must not be kept open here; an interrupt is for the guests. */
		close_range(FIRST_END, ~0U, 0);
		signal(SIGINT, SIG_IGN);
		switch_run(ports, n, network);
		_exit(0);
	}
	for (unsigned int i = 0; i < n; i++)
		close(ports[i]);
	return 0;
}

static int join_by_switch(unsigned int guests, unsigned int network)
{
	int ports[SWITCH_PORTS];

	for (unsigned int guest = 0; guest < guests; guest++) {
		int ends[2];

		if (make_wire(ends) || give(ends[1], guest, network))
			return -1;
		ports[guest] = ends[0];
	}
	return start_switch(ports, guests, network);
}

static bool parse(const char *text, unsigned int min, unsigned int max, unsigned int *n)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*n = (unsigned int)value;
	return end != text && !*end && value >= min && value <= max;
}

int main(int argc, char **argv)
{
	unsigned int guests, networks;

	if (argc < 4 || !parse(argv[1], 2, SWITCH_PORTS, &guests) ||
	    !parse(argv[2], 1, MAX_NETWORKS, &networks)) {
		fprintf(stderr, "usage: guest-wires GUESTS NETWORKS CMD...  (2 to %d, 1 to %d)\n",
			SWITCH_PORTS, MAX_NETWORKS);
		return 2;
	}
	for (unsigned int k = 0; k < networks; k++) {
		if (guests == 2 ? join_two(k) : join_by_switch(guests, k)) {
			fprintf(stderr,
				"guest-wires: network %u: %s; ulimit -n must be %u or more\n", k,
				strerror(errno), FIRST_END * (guests + 1));
			return 125;
		}
	}
	execvp(argv[3], argv + 3);
	fprintf(stderr, "guest-wires: %s: %s\n", argv[3], strerror(errno));
	return 125;
}

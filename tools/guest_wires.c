// SPDX-License-Identifier: BSD-3-Clause
/*
 * guest-wires N CMD...: runs CMD with N Ethernet wires between two test kernels as inherited
 * descriptors: wire k is a pair of sockets, descriptors 100 + k at one end and 200 + k at the
 * other. A frame is one message.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_END 100
#define SECOND_END 200

static int make_wire(int k)
{
	int pair[2], bytes = 8 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -1;
	for (int end = 0; end < 2; end++) {
		/* As much as net.core.wmem_max lets have: a full wire makes the sender wait. */
		setsockopt(pair[end], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
		if (dup2(pair[end], (end ? SECOND_END : FIRST_END) + k) < 0)
			return -1;
		close(pair[end]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0;

	if (n < 1 || n > SECOND_END - FIRST_END) {
		fprintf(stderr, "usage: guest-wires N CMD...  (N wires, 1 to %d)\n",
			SECOND_END - FIRST_END);
		return 2;
	}
	for (int k = 0; k < n; k++) {
		if (make_wire(k)) {
			fprintf(stderr, "guest-wires: socketpair: %s\n", strerror(errno));
			return 125;
		}
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "guest-wires: %s: %s\n", argv[2], strerror(errno));
	return 125;
}

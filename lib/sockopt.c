// SPDX-License-Identifier: BSD-3-Clause
/* Options of sockets that several files set. */
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define MAX_BUFFER ((size_t)512 * 1024 * 1024)

int sockopt_traffic_class(int fd, int family, int traffic_class)
{
	int ret;

	if (traffic_class == TRAFFIC_CLASS_UNSET)
		return 0;
	if (family == AF_INET6)
		ret = setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class,
				 sizeof(traffic_class));
	else
		ret = setsockopt(fd, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class));
	return ret ? -errno : 0;
}

void sockopt_receive_buffer(int fd, size_t bytes)
{
	/* The kernel doubles the value (socket(7)). */
	int half = (int)((bytes < MAX_BUFFER ? bytes : MAX_BUFFER) / 2);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
}

void sockopt_peer_timeout(int fd, unsigned int seconds)
{
	int one = 1, milliseconds = (int)seconds * 1000;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* In force for probes too, instead of TCP_KEEPCNT (tcp_keepalive_timer). */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}

void sockopt_probe_peer(int fd, unsigned int seconds)
{
	int one = 1, idle = (int)(seconds + 3) / 4;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
}

void sockopt_reset(int fd)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	(void)connect(fd, &nobody, sizeof(nobody));
}

void sockopt_end_abruptly(int fd)
{
	struct linger now = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

// SPDX-License-Identifier: BSD-3-Clause
/* Whether the peer still answers, and whether it has all that was sent. */
#include "peer.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define PROBES 3

static void set(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value)); /* all of Linux has them */
}

void peer_watch(int fd, unsigned int timeout_s)
{
	int interval = (int)timeout_s / (2 * PROBES);

	interval = interval < 1 ? 1 : interval;
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)(timeout_s + 1) / 2);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/*
 * TCP_USER_TIMEOUT would do this too, but it also ends connections whose peer answers every probe
 * and merely has no room: a slow consumer. A probe may be up to two minutes late in answering
 * nothing, so one that is not answered yet says nothing.
 */
bool peer_silent(int fd, unsigned int timeout_s)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		return false;
	return info.tcpi_last_ack_recv > 1000 * timeout_s &&
	       (info.tcpi_retransmits > 1 || info.tcpi_probes > 1);
}

bool peer_has_all(int fd)
{
	int unacknowledged = 0;

	return !ioctl(fd, SIOCOUTQ, &unacknowledged) && !unacknowledged;
}

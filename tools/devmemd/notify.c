// SPDX-License-Identifier: BSD-3-Clause
/* What systemd and its services say to each other: readiness, watchdog, sockets passed at start. */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */

static int connection = -1;

void notify_start(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	if (!length || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (*path == '@') /* in the abstract namespace */
		address.sun_path[0] = '\0';
	connection = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connection >= 0 &&
	    connect(connection, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length))) {
		close(connection);
		connection = -1;
	}
}

void notify(const char *state)
{
	if (connection >= 0)
		(void)send(connection, state, strlen(state), MSG_NOSIGNAL);
}

int notify_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	if (!pid || !n || strtol(pid, NULL, 10) != getpid())
		return -1;
	if (strtol(n, NULL, 10) != 1)
		return -EINVAL;
	fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC);
	fcntl(FIRST_PASSED, F_SETFL, fcntl(FIRST_PASSED, F_GETFL) | O_NONBLOCK);
	return FIRST_PASSED;
}

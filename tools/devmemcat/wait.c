// SPDX-License-Identifier: BSD-3-Clause
/* Waiting for descriptors, with SIGINT and SIGTERM as one more thing that may happen. */
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MAX_FDS 8

static int signals = -1;
static int came;

int wait_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return signals < 0 ? -errno : 0;
}

int wait_for(struct pollfd *fds, unsigned int n, int timeout_ms)
{
	struct pollfd all[MAX_FDS] = {{.fd = signals, .events = POLLIN}};
	struct signalfd_siginfo info;
	int ready;

	if (n >= MAX_FDS)
		return -EINVAL;
	if (n)
		memcpy(all + 1, fds, n * sizeof(*fds));
	ready = poll(all, n + 1, timeout_ms);
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	if (n)
		memcpy(fds, all + 1, n * sizeof(*fds));
	if (!all[0].revents)
		return ready;
	if (read(signals, &info, sizeof(info)) == sizeof(info))
		came = (int)info.ssi_signo;
	return -EINTR;
}

int wait_signal(void)
{
	return came;
}

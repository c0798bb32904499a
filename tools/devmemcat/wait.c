// SPDX-License-Identifier: BSD-3-Clause
/* Waiting for descriptors, with signals as one more thing that may happen. */
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MAX_FDS 8

static int signals = -1;
static int came;

static int watch(const sigset_t *set)
{
	if (sigprocmask(SIG_BLOCK, set, NULL))
		return -errno;
	signals = signalfd(signals, set, SFD_NONBLOCK | SFD_CLOEXEC);
	return signals < 0 ? -errno : 0;
}

static void ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

int wait_init(void)
{
	sigset_t set;

	ending_signals(&set);
	signal(SIGPIPE, SIG_IGN);
	return watch(&set);
}

int wait_for_usr1(void)
{
	sigset_t set;

	ending_signals(&set);
	sigaddset(&set, SIGUSR1);
	return watch(&set);
}

int wait_signal_fd(void)
{
	return signals;
}

int wait_take_signal(void)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo != SIGUSR1)
		came = (int)info.ssi_signo;
	return (int)info.ssi_signo;
}

int wait_for(struct pollfd *fds, unsigned int n, int timeout_ms)
{
	struct pollfd all[MAX_FDS] = {{.fd = signals, .events = POLLIN}};
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
	wait_take_signal();
	return -EINTR;
}

int wait_signal(void)
{
	return came;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Host memory through a pipe to a socket, by reference. */
#include "lender.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEAR_US 100		  /* round trips within a machine are shorter */
#define PACED_LIMIT (1024 * 1024) /* measured by bench/p2p_namespaces.sh */
#define QUANTUM (256 * 1024)	  /* of the pipe: what a full socket leaves there is lost work */

void lender_init(struct lender *lender)
{
	*lender = (struct lender){.ends = {-1, -1}, .sink = -1};
	pthread_mutex_init(&lender->lock, NULL);
}

static void close_ends(struct lender *lender)
{
	for (int i = 0; i < 2; i++) {
		if (lender->ends[i] >= 0)
			close(lender->ends[i]);
		lender->ends[i] = -1;
	}
	if (lender->sink >= 0)
		close(lender->sink);
	lender->sink = -1;
}

void lender_destroy(struct lender *lender)
{
	close_ends(lender);
	pthread_mutex_destroy(&lender->lock);
}

bool lender_works(const struct lender *lender)
{
	return !__atomic_load_n(&lender->refused, __ATOMIC_RELAXED);
}

static bool is_paced(int fd)
{
	char name[16] = "";
	socklen_t length = sizeof(name);

	return !getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length) &&
	       !strncmp(name, "bbr", 3);
}

size_t lender_limit(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (!(fcntl(fd, F_GETFL) & O_NONBLOCK) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) || !info.tcpi_min_rtt ||
	    info.tcpi_min_rtt > NEAR_US)
		return 0;
	return is_paced(fd) ? PACED_LIMIT : SIZE_MAX;
}

static int refuse(struct lender *lender)
{
	close_ends(lender);
	__atomic_store_n(&lender->refused, true, __ATOMIC_RELAXED);
	return -EOPNOTSUPP;
}

static int open_ends(struct lender *lender)
{
	if (lender->sink >= 0)
		return 0;
	lender->sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (lender->sink < 0 || pipe2(lender->ends, O_CLOEXEC | O_NONBLOCK))
		return refuse(lender);
	/* A smaller one, when the user has many pipes, takes more calls. */
	(void)fcntl(lender->ends[1], F_SETPIPE_SZ, QUANTUM);
	return 0;
}

/* Takes out of the pipe what the socket did not. */
static int empty(struct lender *lender, size_t left)
{
	while (left) {
		ssize_t gone = splice(lender->ends[0], NULL, lender->sink, NULL, left,
				      SPLICE_F_NONBLOCK);

		if (gone <= 0)
			return refuse(lender);
		left -= (size_t)gone;
	}
	return 0;
}

/* splice() knows no MSG_NOSIGNAL: a broken socket would kill the process. */
static ssize_t splice_quietly(int from, int to, size_t n, unsigned int flags)
{
	const struct timespec none = {0};
	sigset_t pipe_signal, before;
	ssize_t ret;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	ret = splice(from, NULL, to, NULL, n, flags);
	if (ret < 0 && errno == EPIPE) {
		(void)sigtimedwait(&pipe_signal, NULL, &none);
		errno = EPIPE;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

/* What the pipe holds, @n bytes, to the socket. How many it took, or -errno. */
static ssize_t to_socket(struct lender *lender, int fd, size_t n, bool more)
{
	unsigned int flags = SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
	ssize_t sent = splice_quietly(lender->ends[0], fd, n, flags);
	int error = sent < 0 ? -errno : 0;
	int ret = empty(lender, n - (size_t)(sent > 0 ? sent : 0));

	if (sent > 0)
		return sent;
	if (ret)
		return ret;
	return !error || error == -EINTR ? -EAGAIN : error;
}

/* @left: with what is to follow. */
static ssize_t send_quantum(struct lender *lender, int fd, const void *bytes, size_t n, size_t left)
{
	struct iovec iov = {(void *)bytes, n};
	ssize_t held = vmsplice(lender->ends[1], &iov, 1, SPLICE_F_NONBLOCK);

	if (held <= 0)
		return errno == EINTR || errno == EAGAIN ? -EAGAIN : refuse(lender);
	return to_socket(lender, fd, (size_t)held, (size_t)held < left);
}

/* A full socket is asked often, and what the pipe then holds for nothing is dear. */
static bool has_room(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};

	return poll(&pollfd, 1, 0) > 0;
}

ssize_t lender_send(struct lender *lender, int fd, const void *bytes, size_t n, bool *full)
{
	size_t sent = 0, quantum;
	ssize_t ret;

	if (!lender_works(lender))
		return -EOPNOTSUPP;
	if (*full && !has_room(fd))
		return -EAGAIN;
	if (pthread_mutex_trylock(&lender->lock))
		return -EAGAIN;
	ret = open_ends(lender);
	*full = false;
	while (ret >= 0 && sent < n && !*full) {
		quantum = n - sent < QUANTUM ? n - sent : QUANTUM;
		ret = send_quantum(lender, fd, (const char *)bytes + sent, quantum, n - sent);
		*full = ret < (ssize_t)quantum;
		sent += ret > 0 ? (size_t)ret : 0;
	}
	pthread_mutex_unlock(&lender->lock);
	return sent ? (ssize_t)sent : ret;
}

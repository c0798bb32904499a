/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends host memory without a copy to a peer that gets its packets from this very kernel.
 *
 * There MSG_ZEROCOPY copies (skb_orphan_frags_rx()), because the receiver might keep the pages for
 * long. Pages that come from a pipe (vmsplice(2), splice(2)) are handed on as they are: the
 * receiver copies them once, to where it wants them. So the memory must not change before the
 * peer's program, not only its kernel, has all of it: the peer must tell.
 */
#ifndef DEVMEM_LENDER_H
#define DEVMEM_LENDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A pipe for all sockets of a device, empty between calls. */
struct lender {
	pthread_mutex_t lock;
	int ends[2]; /* of the pipe; -1 before the first call */
	int sink;    /* /dev/null */
	bool refused;
};

void lender_init(struct lender *lender);
void lender_destroy(struct lender *lender);

/* False after the kernel has refused: memory is then to be sent in another way. */
bool lender_works(const struct lender *lender);

/*
 * Messages of fewer bytes are better lent than copied on @fd, a TCP socket that has sent something.
 * 0: none, for a peer farther away than this machine, for which the sender would have to wait, or
 * on a socket without O_NONBLOCK, for which splice() would. Messages of 1 MiB and more on a socket
 * that congestion control paces (bbr) are better copied: splice() hands it 64 KiB at a time, and
 * each sets a timer, but one send() of all of them hardly does.
 */
size_t lender_limit(int fd);

/*
 * Sends up to @n bytes on @fd, a TCP socket with O_NONBLOCK. They must not change before the peer
 * has read them. Returns how many the socket took; -EAGAIN: it is full, which *@full remembers, or
 * another thread uses the lender; -EOPNOTSUPP: refused for this memory (a driver's mapping) or for
 * good; -errno of a broken socket. Any thread.
 */
ssize_t lender_send(struct lender *lender, int fd, const void *bytes, size_t n, bool *full);

#ifdef __cplusplus
}
#endif

#endif

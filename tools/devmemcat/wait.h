/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for descriptors, with signals as one more thing that may happen. */
#ifndef DEVMEMCAT_WAIT_H
#define DEVMEMCAT_WAIT_H

#include <poll.h>

/* Blocks the signals that end the program (and ignores SIGPIPE) so that they are seen by wait_for()
 * alone. 0 or -errno. */
int wait_init(void);
/* SIGUSR1, too, is to be seen by wait_take_signal() alone. 0 or -errno. */
int wait_for_usr1(void);
/*
 * Waits until one of @n descriptors (-1: none) has what it asks for, @timeout_ms pass (-1: for
 * ever) or a signal comes. At most 7 descriptors. Returns how many are ready, 0 after the time,
 * -EINTR after a signal, or another -errno.
 */
int wait_for(struct pollfd *fds, unsigned int n, int timeout_ms);
/* A descriptor that is readable when a signal has come, for a loop of one's own. */
int wait_signal_fd(void);
/* Takes such a signal; 0 when there is none. */
int wait_take_signal(void);
/* The signal that ended the program, 0 when none came. */
int wait_signal(void);

#endif

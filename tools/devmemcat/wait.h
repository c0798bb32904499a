/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for descriptors, with SIGINT and SIGTERM as one more thing that may happen. */
#ifndef DEVMEMCAT_WAIT_H
#define DEVMEMCAT_WAIT_H

#include <poll.h>

/* Blocks the signals that end the program (and ignores SIGPIPE) so that they are seen by wait_for()
 * alone. 0 or -errno. */
int wait_init(void);
/*
 * Waits until one of @n descriptors (-1: none) has what it asks for, @timeout_ms pass (-1: for
 * ever) or a signal comes. At most 7 descriptors. Returns how many are ready, 0 after the time,
 * -EINTR after a signal, or another -errno.
 */
int wait_for(struct pollfd *fds, unsigned int n, int timeout_ms);
/* The signal that ended the program, 0 when none came. */
int wait_signal(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the peer still answers, and whether it has all that was sent. */
#ifndef DEVMEMCAT_PEER_H
#define DEVMEMCAT_PEER_H

#include <stdbool.h>

/* Lets the kernel ask an idle peer for a sign of life; without one in about @timeout_s seconds
 * receiving fails with ETIMEDOUT. */
void peer_watch(int fd, unsigned int timeout_s);
/* True when data or window probes were repeated and nothing was heard for @timeout_s seconds. */
bool peer_silent(int fd, unsigned int timeout_s);
/* True when every byte written to the socket is acknowledged. */
bool peer_has_all(int fd);

#endif

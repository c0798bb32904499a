/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of sockets that several files set. */
#ifndef DEVMEM_SOCKOPT_H
#define DEVMEM_SOCKOPT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRAFFIC_CLASS_UNSET (-1)

/*
 * Marks what @fd, a TCP socket of @family, sends: the upper six bits of @traffic_class (0 to 255)
 * are the DSCP, the lower two are TCP's own and ignored. TRAFFIC_CLASS_UNSET leaves the socket as
 * it is. 0 or -errno.
 */
int sockopt_traffic_class(int fd, int family, int traffic_class);

/* Lets @fd hold @bytes that were not read, at most 512 MiB; without CAP_NET_ADMIN net.core.rmem_max
 * caps it. */
void sockopt_receive_buffer(int fd, size_t bytes);

/* For the connected TCP socket @fd, or a listening one, from which accepted ones have it: sends at
 * once, and ends a connection whose peer has not answered for @seconds, 1 to 3600. */
void sockopt_peer_timeout(int fd, unsigned int seconds);
/* Asks a peer from which nothing comes, so that sockopt_peer_timeout() holds for it too, and no
 * firewall on the way forgets the connection. One side of a connection does. */
void sockopt_probe_peer(int fd, unsigned int seconds);

/* Ends the connection of @fd at once: the peer's next send() fails, though it may still read what
 * has come. */
void sockopt_reset(int fd);

/*
 * For the receiver of a data stream, or its listener: it sends nothing, so its end may be abrupt. A
 * graceful one of a killed process would wait for the peer, with segments that came out of order in
 * device memory.
 */
void sockopt_end_abruptly(int fd);

#ifdef __cplusplus
}
#endif

#endif

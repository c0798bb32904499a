/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of sockets that several files set. */
#ifndef DEVMEM_SOCKOPT_H
#define DEVMEM_SOCKOPT_H

#define TRAFFIC_CLASS_UNSET (-1)

/*
 * Marks what @fd, a TCP socket of @family, sends: the upper six bits of @traffic_class (0 to 255)
 * are the DSCP, the lower two are TCP's own and ignored. TRAFFIC_CLASS_UNSET leaves the socket as
 * it is. 0 or -errno.
 */
int sockopt_traffic_class(int fd, int family, int traffic_class);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of sockets that several files set. */
#ifndef DEVMEM_SOCKOPT_H
#define DEVMEM_SOCKOPT_H

#include <stddef.h>

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

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* An Ethernet switch whose ports are sockets: a frame is one message. */
#ifndef GUEST_WIRES_SWITCH_H
#define GUEST_WIRES_SWITCH_H

#ifdef __cplusplus
extern "C" {
#endif

#define SWITCH_PORTS 8
#define SWITCH_QUEUE (16 << 20) /* bytes that wait for a port, beyond what its socket holds */

/*
 * Carries frames between @n ports until the far ends of all are closed; closes them. Tells on
 * standard error of frames that were dropped on network @network because a port's queue was full.
 */
void switch_run(const int *ports, unsigned int n, unsigned int network);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What systemd and its services say to each other: readiness, watchdog, sockets passed at start. */
#ifndef DEVMEMD_NOTIFY_H
#define DEVMEMD_NOTIFY_H

/* Remembers $NOTIFY_SOCKET, and opens the way to it while that is allowed. */
void notify_start(void);
/* Sends @state ("READY=1"), if anybody wants to know. */
void notify(const char *state);
/* The listening socket that systemd has opened for us, -1 when it has not, or -EINVAL when it has
 * opened several. */
int notify_socket(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives up every privilege that leasing queues does not need. */
#ifndef DEVMEMD_PRIVILEGE_H
#define DEVMEMD_PRIVILEGE_H

/* Keeps CAP_NET_ADMIN and no other capability, for good. -EPERM when the process lacks it. */
int privilege_drop(void);
/* Refuses, with EPERM, every system call that the daemon's loop does not make. */
int privilege_filter(void);

#endif

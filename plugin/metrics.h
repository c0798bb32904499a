/* SPDX-License-Identifier: BSD-3-Clause */
/* The process' counters in the folder that NCCL_DEVMEM_METRICS names. */
#ifndef PLUGIN_METRICS_H
#define PLUGIN_METRICS_H

#include "conn.h"

/* Now, if they are wanted. Any thread. */
void metrics_write(void);
/* To be called whenever @conn is looked at: brings the file up to date every second or two. */
void metrics_tick(struct conn *conn);

#endif

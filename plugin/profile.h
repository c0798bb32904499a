/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells NCCL's profiler of each message, as NCCL's own socket transport does. */
#ifndef PROFILE_H
#define PROFILE_H

#include "conn.h"
#include "nccl/net.h"

/* @callback may be NULL: then nothing is told. It is the same for all communicators of a process.
 */
void profile_set(ncclProfilerCallback_t callback);

/* Starts the event of @request when it is known how long the message is and which socket carries
 * it; later calls do nothing. Requests that NCCL gave no handle for have no event. */
void profile_progress(struct request *request);

/* The message is done, or its connection broken. */
void profile_end(struct request *request);

#endif

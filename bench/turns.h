/* SPDX-License-Identifier: BSD-3-Clause */
/* All plugins of a rank in turns, through all sizes. */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include "session.h"

/*
 * Measures @sessions, which share their buffers, in turns for each size and repetition, so that what
 * else the machine does hits all of them; rank 0 prints the table. 0, or -1 with the failure set.
 */
int turns_run(struct session *sessions, unsigned int n);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The processor time of a process, which every bench counts the same way. */
#ifndef BENCH_CPUTIME_H
#define BENCH_CPUTIME_H

/* Seconds of this process so far, user and system, all threads. */
double cputime_now(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segments that this process' sockets sent again. */
#ifndef BENCH_RETRANSMITS_H
#define BENCH_RETRANSMITS_H

#include <stdint.h>

/*
 * The sum over all TCP sockets that are open now, whichever library opened them: the plugin's, and
 * MPI's, which are idle while a plugin is measured. 0 too where /proc cannot be read.
 */
uint64_t retransmits_now(void);

#endif

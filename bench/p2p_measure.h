/* SPDX-License-Identifier: BSD-3-Clause */
/* Measures plugins in turns, and prints medians and ratios. */
#ifndef BENCH_P2P_MEASURE_H
#define BENCH_P2P_MEASURE_H

#include "p2p.h"
#include "p2p_args.h"

/* Ends both ranks with what failed, and EXIT_FAILED. */
void give_up(int rank, const struct failure *failure) __attribute__((noreturn));
/* Latency, then every size and number of channels, with each of @links; rank 0 prints. Returns how
 * many bytes were wrong. */
uint64_t measure(struct p2p_link *links, const struct options *o);

#endif

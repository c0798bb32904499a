/* SPDX-License-Identifier: BSD-3-Clause */
/* The latency of plugins in turns. */
#ifndef BENCH_P2P_LATENCY_H
#define BENCH_P2P_LATENCY_H

#include "p2p.h"
#include "p2p_args.h"
#include "p2p_report.h"

/* Half round trips of 8 bytes with each of @links; rank 0 prints medians over the repetitions, and adds them to @report unless that is NULL. */
void p2p_latency(struct p2p_link *links, const struct options *o, struct p2p_report *report);

#endif

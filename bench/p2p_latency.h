/* SPDX-License-Identifier: BSD-3-Clause */
/* How long 8 bytes take between two ranks, by plugin. */
#ifndef BENCH_P2P_LATENCY_H
#define BENCH_P2P_LATENCY_H

#include "p2p.h"
#include "p2p_args.h"
#include "p2p_report.h"

/* Round trips of all plugins in turns; rank 0 prints, and adds percentiles to @report, which may be
 * NULL. */
void p2p_latency(struct p2p_link *links, const struct options *o, struct p2p_report *report);

#endif

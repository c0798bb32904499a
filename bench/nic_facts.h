/* SPDX-License-Identifier: BSD-3-Clause */
/* What a network interface is, for the results to tell. */
#ifndef BENCH_NIC_FACTS_H
#define BENCH_NIC_FACTS_H

#include "facts.h"

/* Adds driver, speed_mbps and mtu of interface @nic, each where the kernel tells it. */
void nic_facts_add(struct facts *facts, const char *nic);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The time that a software NIC spends on what hardware would do. */
#ifndef BENCH_NIC_HW_H
#define BENCH_NIC_HW_H

#include <stdint.h>

/* The sum of the counters <queue>_hw_ns that `ethtool -S @nic` shows, in nanoseconds: 0, -ENODEV
 * where @nic is not there or has none, or another -errno. */
int nic_hw_ns(const char *nic, uint64_t *ns);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What this rank is, once its plugin has connections: machine, plugin, NIC, plan. */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

#include "comm.h"
#include "facts.h"

/* The names are kernel, cpu, devmem, mpi, plugin_file, plugin_digest, abi, device, driver, speed_mbps, mtu, plan, queues, gpu. */
void environment_add(struct facts *facts, const struct comm *comm);

#endif

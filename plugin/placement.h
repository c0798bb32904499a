/* SPDX-License-Identifier: BSD-3-Clause */
/* What NCCL's kernels need of NCCL's settings to place received data themselves (UNPACK). */
#ifndef PLUGIN_PLACEMENT_H
#define PLUGIN_PLACEMENT_H

#include "devmem.h"
#include "log.h"

/*
 * Sets in the environment what the user has not set, before NCCL reads it; each is told at INFO.
 * -EINVAL, with nothing changed, when the user has set something else.
 */
int placement_prepare(log_fn log, struct devmem_error *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A rank's number among the ranks of its host, by which it chooses its GPU and its NIC. */
#ifndef BENCH_LOCAL_RANK_H
#define BENCH_LOCAL_RANK_H

#include "failure.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * From LOCAL_RANK, or what the launcher sets: OMPI_COMM_WORLD_LOCAL_RANK, SLURM_LOCALID. Returns -1
 * with @failure untouched when none is set, with the failure set when one is no number.
 */
int local_rank_of_environment(struct failure *failure);

#ifdef __cplusplus
}
#endif
#endif

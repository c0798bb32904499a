#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: hosts_run.sh RANKS CMD... runs CMD under mpirun, ranks dealt out to all hosts in turn, with NCCL's variables.
set -eu

ranks=$1
shift
hosts=$(seq -s, -f 'host%.0f' 0 "$((DEVMEM_HOSTS - 1))")
variables=()
while read -r name; do
	variables+=(-x "$name")
done < <(compgen -e | grep -E '^(NCCL_|FAKE_CUDA_|PATH$|LD_LIBRARY_PATH$|[ALT]SAN_OPTIONS$)')
# Waiting ranks leave the guest's only CPU to those that work.
exec mpirun --mca plm_rsh_agent "${OMPI_MCA_plm_rsh_agent:-on}" --mca mpi_yield_when_idle 1 --oversubscribe --map-by node -H "$hosts" -n "$ranks" "${variables[@]}" "$@"

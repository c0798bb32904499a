#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: hosts_run.sh RANKS CMD... runs CMD under mpirun, ranks dealt out to all hosts in turn, with NCCL's variables.
set -eu

ranks=$1
shift
hosts=$(find /run/netns -name 'host*' -printf '%f\n' | sort -V | paste -sd, -)
variables=()
while read -r name; do
	variables+=(-x "$name")
done < <(compgen -e | grep -E '^(NCCL_|PATH$|LD_LIBRARY_PATH$)')
# Waiting ranks leave the guest's only CPU to those that work.
exec mpirun --mca plm_rsh_agent on --mca mpi_yield_when_idle 1 --oversubscribe --map-by node -H "$hosts" -n "$ranks" "${variables[@]}" "$@"

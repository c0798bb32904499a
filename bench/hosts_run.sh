#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest, or between p2p_namespaces.sh's hosts: hosts_run.sh [--hostfile FILE] [--map-by POLICY] RANKS CMD... runs CMD under mpirun with NCCL's variables, by default with ranks dealt out to
# all hosts in turn.
set -eu

map=node
hosts=(-H "$(seq -s, -f 'host%.0f' 0 "$((DEVMEM_HOSTS - 1))")")
while [ $# -gt 1 ]; do
	case $1 in
	--hostfile) hosts=(--hostfile "$2") ;;
	--map-by) map=$2 ;;
	*) break ;;
	esac
	shift 2
done
[[ $# -gt 1 && $1 =~ ^[1-9][0-9]*$ ]] || { echo "usage: hosts_run.sh [--hostfile FILE] [--map-by POLICY] RANKS CMD..." >&2; exit 2; }
ranks=$1
shift
variables=()
while read -r name; do
	variables+=(-x "$name")
done < <(compgen -e | grep -E '^(NCCL_|FAKE_CUDA_|PATH$|LD_LIBRARY_PATH$|[ALT]SAN_OPTIONS$)')
# Each host would bind its ranks to the machine's first CPU, as if it had the machine to itself. Waiting ranks leave the guest's only CPU
# to those that work.
exec mpirun --mca plm_rsh_agent "${OMPI_MCA_plm_rsh_agent:-on}" --mca mpi_yield_when_idle 1 --bind-to none --oversubscribe --map-by "$map" "${hosts[@]}" -n "$ranks" "${variables[@]}" "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the first of several guests: runs of a collective by the number of ranks, a row of $DEVMEM_OUT/runs and a JSON file for each.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm

one() {	# RANKS ROUND
	local json=$DEVMEM_OUT/$DEVMEM_MULTI_COLLECTIVE-m$DEVMEM_HOSTS-r$1-$NCCL_DEVMEM_PLAN-$2.json log=/tmp/multihost.log
	# Each page of a pool costs the guest's kernel a mapping of the machine, which allows some 65,000 (vm.max_map_count).
	if ! NCCL_DEVMEM_POOL_MB=$((64 * DEVMEM_HOSTS / $1 / DEVMEM_NICS)) NCCL_DEVMEM_REQUIRE=$([ "$NCCL_DEVMEM_PLAN" = host ] && echo 0 || echo 1) \
		"$here/hosts_run.sh" "$1" "$DEVMEM_MULTI_COLLECTIVE" --memory "$NCCL_DEVMEM_MEMORY" -b "$DEVMEM_MULTI_SIZE" -n "$DEVMEM_MULTI_ITERS" -w 2 -c 1 \
		--timeout 60 --json "$json" >$log 2>&1; then
		cat $log >&2
		echo "multihost: the run of $1 ranks failed: see above" >&2
		return 1
	fi
	awk -F'[:,]' -v ranks="$1" '{ gsub(/[ "]/, "", $1); value[$1] = $2 + 0 }
		END { print ranks, value["time_us"], value["algbw"], value["busbw"], value["cpu_us"] }' "$json" >>"$DEVMEM_OUT/runs"
}

for ((round = 1; round <= DEVMEM_MULTI_REPEAT; round++)); do
	for ranks in ${DEVMEM_MULTI_RANKS//,/ }; do
		[ "$ranks" -lt "$DEVMEM_HOSTS" ] || one "$ranks" "$round"
	done
done

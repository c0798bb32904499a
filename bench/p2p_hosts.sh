#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: runs of p2p over device memory and over plain TCP in turns, a row of $DEVMEM_OUT/runs for each.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
export NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=${DEVMEM_P2P_MEMORY:-udmabuf} NCCL_DEVMEM_METRICS=/tmp/metrics
mkdir -p "$NCCL_DEVMEM_METRICS"

metric() {	# NAME: the sum over both ranks
	cat "$NCCL_DEVMEM_METRICS"/*.prom | awk -v name="$1" 'index($1, name) == 1 { sum += $2 } END { printf "%.0f", sum }'
}

member() {	# NAME: of p2p's only result
	awk -F'[:,]' -v name="\"$1\"" '$1 ~ name { print $2 + 0 }' /tmp/p2p.json
}

one() {	# PLAN SIZE CHANNELS: a process of its own, so that counters are this run's
	local log=/tmp/p2p.log
	rm -f "$NCCL_DEVMEM_METRICS"/*
	if ! "$here/hosts_run.sh" 2 p2p --memory "$NCCL_DEVMEM_MEMORY" --size "$2" --channels "$3" --depth 4 --volume "$DEVMEM_P2P_VOLUME" \
		--repeat 1 --latency 0 --nic dm0 --json /tmp/p2p.json >"$log" 2>&1; then
		cat "$log" >&2
		return 1
	fi
	echo "$1 $2 $3 $(member seconds_per_gb) $(member cpu_s_per_gb) $(member nic_s_per_gb)" \
		"$(metric devmem_copy_ns_total) $(metric devmem_rx_bytes_total)" >>"$DEVMEM_OUT/runs"
}

for host in host0 host1; do
	on "$host" ethtool -K dm0 rx-gro-hw "$DEVMEM_P2P_GRO_HW"
done
for ((n = 1; n <= DEVMEM_P2P_REPEAT; n++)); do
	for channels in ${DEVMEM_P2P_CHANNELS//,/ }; do
		for size in ${DEVMEM_P2P_SIZES//,/ }; do
			NCCL_DEVMEM_REQUIRE=1 one devmem "$size" "$channels"
			NCCL_DEVMEM_PLAN=host one plain "$size" "$channels"
		done
	done
done

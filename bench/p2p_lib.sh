# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest, sourced: single runs of p2p over device memory or plain TCP, and what p2p and the plugin counted.
# shellcheck shell=bash

export NCCL_DEVMEM_METRICS=/tmp/metrics
mkdir -p "$NCCL_DEVMEM_METRICS"

metric() {	# PREFIX...: the sum of both ranks' samples that begin with one of these
	local sum=0 prefix
	for prefix; do
		sum=$((sum + $(cat "$NCCL_DEVMEM_METRICS"/*.prom | awk -v name="$prefix" 'index($1, name) == 1 { sum += $2 } END { printf "%.0f", sum }')))
	done
	echo "$sum"
}

member() {	# NAME: of p2p's only result
	awk -F'[:,]' -v name="\"$1\"" '$1 ~ name { print $2 + 0 }' /tmp/p2p.json
}

# run_p2p PLAN OPTION...: a process of its own, so that counters are this run's.
run_p2p() {
	local choice=NCCL_DEVMEM_REQUIRE=1 log=/tmp/p2p.log
	[ "$1" = devmem ] || choice=NCCL_DEVMEM_PLAN=host
	shift
	rm -f "$NCCL_DEVMEM_METRICS"/*
	if ! env "$choice" "$(dirname "${BASH_SOURCE[0]}")/hosts_run.sh" 2 p2p --memory "$NCCL_DEVMEM_MEMORY" --repeat 1 --latency 0 --json /tmp/p2p.json "$@" >"$log" 2>&1; then
		cat "$log" >&2
		return 1
	fi
}

gro_hw() {	# on|off NICS: of dm0 to dm(NICS - 1) of both hosts
	local host k
	for host in host0 host1; do
		for ((k = 0; k < $2; k++)); do
			on "$host" ethtool -K "dm$k" rx-gro-hw "$1"
		done
	done
}

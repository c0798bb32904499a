#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: linerate_hosts.sh NICS measures one NIC one way, then NICS of them both ways, over device memory and over plain TCP in turns.
# A row of $DEVMEM_OUT/runs for each run, and of $DEVMEM_OUT/samples for each tenth of a second.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=p2p_lib.sh
. "$here/p2p_lib.sh"
nics=$1
export NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_QUEUES=1 NCCL_DEVMEM_POOL_MB=16

# What a frame carries, and what it takes of the wire: Ethernet's header, preamble, check sequence and gap are 14 + 8 + 4 + 12 bytes; IPv4's header and
# TCP's with timestamps 20 + 32.
payload=$((DEVMEM_LINE_MTU - 52))
wire=$((DEVMEM_LINE_MTU + 38))

# One processor serves all NICs, and an interrupt costs it tens of microseconds: so they are moderated.
moderation=1000	# microseconds

speed() {	# MBITS: of every NIC
	local host k
	for host in host0 host1; do
		for ((k = 0; k < nics; k++)); do
			on "$host" ethtool -s "dm$k" speed "$1" autoneg off
			on "$host" ethtool -C "dm$k" rx-usecs $moderation tx-usecs $moderation
		done
	done
}

sampler=''
trap '[ -z "$sampler" ] || kill "$sampler"' EXIT

one() {	# PLAN PAIRS DIRECTIONS MBITS RUN [OPTION of p2p...]
	local plan=$1 pairs=$2 directions=$3 mbits=$4 run=$5 names
	shift 5
	names=$(seq -s, -f 'dm%.0f' 0 "$((pairs - 1))")
	on host1 "$here/nic_samples.sh" "$plan" "$pairs" "$directions" "$mbits" "$run" >>"$DEVMEM_OUT/samples" &
	sampler=$!
	run_p2p "$plan" --size 1M --depth 4 --channels "$pairs" --volume "$DEVMEM_LINE_VOLUME" --nic "$names" "$@"
	kill "$sampler"
	sampler=''
	echo "$plan $pairs $directions $mbits $payload $wire $(member gbs) $(member cpu_s_per_gb) $(member nic_s_per_gb) $(metric devmem_copy_ns_total)" \
		"$(metric devmem_rx_bytes_total) $(metric devmem_rx_bytes_total devmem_tx_bytes_total)" \
		"$(metric 'devmem_rx_bytes_total{path="linear"' 'devmem_rx_bytes_total{path="plain"' 'devmem_tx_bytes_total{path="copied"' 'devmem_tx_bytes_total{path="staged"')" \
		"$(member wrong)" >>"$DEVMEM_OUT/runs"
}

both_plans() {	# PAIRS DIRECTIONS MBITS INTERFACES [OPTION of p2p...]
	local run plan shape=("${@:1:3}")
	export NCCL_SOCKET_IFNAME=$4
	shift 4
	speed "${shape[2]}"
	for ((run = 1; run <= DEVMEM_LINE_REPEAT; run++)); do
		for plan in devmem plain; do
			one "$plan" "${shape[@]}" "$run" "$@"
		done
	done
}

gro_hw "$DEVMEM_LINE_GRO_HW" "$nics"
both_plans 1 1 "$DEVMEM_LINE_SPEED" =dm0
both_plans "$nics" 2 "$DEVMEM_LINE_SPEEDS" dm --bidirectional

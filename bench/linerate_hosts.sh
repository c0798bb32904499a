#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: linerate_hosts.sh NICS measures one NIC one way, then NICS of them both ways, and prints shares of line rate.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
nics=$1
export NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_REQUIRE=1 NCCL_DEVMEM_QUEUES=1 NCCL_DEVMEM_POOL_MB=16

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

measure() {	# PAIRS DIRECTIONS MBITS INTERFACES [OPTION of p2p...]
	local pairs=$1 directions=$2 mbits=$3
	export NCCL_SOCKET_IFNAME=$4
	shift 4
	speed "$mbits"
	if ! "$here/hosts_run.sh" 2 p2p --memory udmabuf --size 1M --depth 4 --channels "$pairs" --volume "$DEVMEM_LINE_VOLUME" --repeat "$DEVMEM_LINE_REPEAT" \
		--latency 0 --json /tmp/linerate.json "$@" >/tmp/linerate.log 2>&1; then
		cat /tmp/linerate.log >&2
		return 1
	fi
	awk -F'[:,]' -v pairs="$pairs" -v directions="$directions" -v mbits="$mbits" -v payload="$payload" -v wire="$wire" '
		/"gbs"/ { gbs = $2 }
		/"wrong"/ { wrong = $2 + 0 }
		END {
			share = gbs * 8000 / (mbits * pairs * directions)
			printf "%9d %11d %8d %10.2f %12.2f %13.2f %8d\n", pairs, directions, mbits, gbs * 8000, 100 * share, 100 * share * wire / payload, wrong
			if (share * wire > 1.01 * payload) {
				print "linerate: more than the wire can carry: the NICs do not keep their speed" > "/dev/stderr"
				exit 1
			}
		}' /tmp/linerate.json
}

printf '# MTU %d: %d of %d bytes on the wire are payload, so %.2f %% of line rate is all that payload can have; median of %d\n' \
	"$DEVMEM_LINE_MTU" "$payload" "$wire" "$((10000 * payload / wire))e-2" "$DEVMEM_LINE_REPEAT"
printf '#%8s %11s %8s %10s %12s %13s %8s\n' 'NICs' 'directions' 'Mb/s' 'payload' '% of line' '% of possible' 'wrong'
measure 1 1 "$DEVMEM_LINE_SPEED" =dm0
measure "$nics" 2 "$DEVMEM_LINE_SPEEDS" dm --bidirectional

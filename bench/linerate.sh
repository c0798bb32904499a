#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The share of line rate that device memory TCP and plain TCP reach between two hosts of the guest, whose NICs are held to a speed.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: bench/linerate.sh [OPTIONS]

One NIC in one direction, then all NIC pairs in both directions at once, each over device memory TCP and over plain TCP in turns.

  --nics N        pairs of the second measurement (default 4)
  --speed MBITS   of a NIC alone (default 1000)
  --speeds MBITS  of each of N (default 250): the guest has one processor for all of them
  --volume SIZE   bytes of each run and direction (default 512M)
  --repeat N      runs of each plan, of which medians are shown (default 5)
  --mtu N         (default 4148: 4096 bytes of payload in a frame)
  --gro-hw on|off whether NICs put the segments of a burst together, as those for device memory do (default on)
  --json FILE     also write the runs there, and to FILE's folder samples.json: what host1's NICs had received at each tenth of a second
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
export DEVMEM_LINE_SPEED=1000 DEVMEM_LINE_SPEEDS=250 DEVMEM_LINE_VOLUME=512M DEVMEM_LINE_REPEAT=5 DEVMEM_LINE_MTU=4148 DEVMEM_LINE_GRO_HW=on
nics=4 json=''
while [ $# -gt 0 ]; do
	[ "$1" != --help ] || { usage; exit 0; }
	[ $# -gt 1 ] || { echo "linerate: $1 needs a value, or is none of the options: see --help" >&2; exit 2; }
	case $1 in
	--nics) nics=$2 ;;
	--speed) DEVMEM_LINE_SPEED=$2 ;;
	--speeds) DEVMEM_LINE_SPEEDS=$2 ;;
	--volume) DEVMEM_LINE_VOLUME=$2 ;;
	--repeat) DEVMEM_LINE_REPEAT=$2 ;;
	--mtu) DEVMEM_LINE_MTU=$2 ;;
	--gro-hw) DEVMEM_LINE_GRO_HW=$2 ;;
	--json) json=$2 ;;
	*) echo "linerate: no option '$1': see --help" >&2; exit 2 ;;
	esac
	shift 2
done
for number in "$nics" "$DEVMEM_LINE_SPEED" "$DEVMEM_LINE_SPEEDS" "$DEVMEM_LINE_REPEAT" "$DEVMEM_LINE_MTU"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] || { echo "linerate: '$number': give a whole number from 1; see --help" >&2; exit 2; }
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$repo/kernel/uml/guest.sh" --hosts 2 --nics "$nics" --mtu "$DEVMEM_LINE_MTU" --timeout 580 --out "$out" -- "$here/linerate_hosts.sh" "$nics"
awk -f "$here/median.awk" -f "$here/linerate_table.awk" "$out/runs"
if [ -n "$json" ]; then
	awk -f "$here/rows_json.awk" -v columns='plan pairs directions mbits payload wire gbs cpu_s_per_gb nic_s_per_gb copy_ns received_bytes moved_bytes host_bytes wrong' \
		"$out/runs" >"$json"
	awk -f "$here/rows_json.awk" -v columns='plan pairs directions mbits run seconds bytes packets' "$out/samples" >"$(dirname "$json")/samples.json"
fi

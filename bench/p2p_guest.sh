#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Device memory TCP against plain TCP through the same plugin and NIC between two hosts of the guest, with and without hardware's work.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: bench/p2p_guest.sh [OPTIONS]

  --memory KIND      udmabuf (default) or dmvram
  --size SIZES       of messages, with commas (default 64K,1M,4M)
  --channels LIST    with commas (default 1,4)
  --repeat N         runs of each point and plan, in turns; medians are shown (default 5)
  --volume SIZE      bytes of each run (default 256M: more than is ever under way at once)
  --gro-hw on|off    whether NICs put the segments of a burst together, as those for device memory do (default on)
  --json FILE        also write the runs there
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
export DEVMEM_P2P_MEMORY=udmabuf DEVMEM_P2P_SIZES=64K,1M,4M DEVMEM_P2P_CHANNELS=1,4 DEVMEM_P2P_REPEAT=5 DEVMEM_P2P_VOLUME=256M DEVMEM_P2P_GRO_HW=on
json=''
while [ $# -gt 0 ]; do
	[ "$1" != --help ] || { usage; exit 0; }
	[ $# -gt 1 ] || { echo "p2p_guest: $1 needs a value, or is none of the options: see --help" >&2; exit 2; }
	case $1 in
	--memory) DEVMEM_P2P_MEMORY=$2 ;;
	--size) DEVMEM_P2P_SIZES=$2 ;;
	--channels) DEVMEM_P2P_CHANNELS=$2 ;;
	--repeat) DEVMEM_P2P_REPEAT=$2 ;;
	--volume) DEVMEM_P2P_VOLUME=$2 ;;
	--gro-hw) DEVMEM_P2P_GRO_HW=$2 ;;
	--json) json=$2 ;;
	*) echo "p2p_guest: no option '$1': see --help" >&2; exit 2 ;;
	esac
	shift 2
done
[[ $DEVMEM_P2P_REPEAT =~ ^[1-9][0-9]*$ ]] || { echo "p2p_guest: --repeat '$DEVMEM_P2P_REPEAT': give a whole number from 1" >&2; exit 2; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$repo/kernel/uml/guest.sh" --hosts 2 --nics 1 --timeout 540 --out "$out" -- "$here/p2p_hosts.sh"
awk -f "$here/median.awk" -f "$here/p2p_table.awk" "$out/runs"
[ -z "$json" ] || awk -f "$here/rows_json.awk" -v columns='plan size channels seconds_per_gb cpu_s_per_gb nic_s_per_gb copy_ns received_bytes' "$out/runs" >"$json"

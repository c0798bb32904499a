#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Objects of nginx into device memory, by devmemget and by libcurl with a copy, between two hosts of the guest, with and without hardware's work.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: bench/get_guest.sh [OPTIONS]

  --memory KIND      udmabuf (default) or dmvram
  --objects SETS     with commas, each COUNTxSIZE (default 64x4M,8x32M)
  --connections N    at once (default 4)
  --rounds N         times that each run fetches the whole set, so that it is long enough to be measured (default 10)
  --repeat N         runs of each set and program, in turns; medians are shown (default 5)
  --gro-hw on|off    whether NICs put the segments of a burst together, as those for device memory do (default on)
  --options WORDS    further options of devmemget
  --json FILE        also write the runs there
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
export DEVMEM_GET_MEMORY=udmabuf DEVMEM_GET_OBJECTS=64x4M,8x32M DEVMEM_GET_CONNECTIONS=4 DEVMEM_GET_REPEAT=5 DEVMEM_GET_ROUNDS=10 DEVMEM_GET_GRO_HW=on DEVMEM_GET_OPTIONS=
json=''
while [ $# -gt 0 ]; do
	[ "$1" != --help ] || { usage; exit 0; }
	[ $# -gt 1 ] || { echo "get_guest: $1 needs a value, or is none of the options: see --help" >&2; exit 2; }
	case $1 in
	--memory) DEVMEM_GET_MEMORY=$2 ;;
	--objects) DEVMEM_GET_OBJECTS=$2 ;;
	--connections) DEVMEM_GET_CONNECTIONS=$2 ;;
	--repeat) DEVMEM_GET_REPEAT=$2 ;;
	--rounds) DEVMEM_GET_ROUNDS=$2 ;;
	--gro-hw) DEVMEM_GET_GRO_HW=$2 ;;
	--options) DEVMEM_GET_OPTIONS=$2 ;;
	--json) json=$2 ;;
	*) echo "get_guest: no option '$1': see --help" >&2; exit 2 ;;
	esac
	shift 2
done
for number in "$DEVMEM_GET_CONNECTIONS" "$DEVMEM_GET_REPEAT" "$DEVMEM_GET_ROUNDS"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] || { echo "get_guest: '$number': give a whole number from 1; see --help" >&2; exit 2; }
done
[[ $DEVMEM_GET_OBJECTS =~ ^[1-9][0-9]*x[1-9][0-9]*[KM]?(,[1-9][0-9]*x[1-9][0-9]*[KM]?)*$ ]] ||
	{ echo "get_guest: --objects '$DEVMEM_GET_OBJECTS': give COUNTxSIZE, such as 64x4M; see --help" >&2; exit 2; }
[ -x "$DEVMEM_BUILD/bin/get_curl" ] || { echo "get_guest: $DEVMEM_BUILD has no get_curl: apt-get install libcurl4-openssl-dev, then ./dev build" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$repo/kernel/uml/guest.sh" --hosts 2 --nics 1 --mem 2G --timeout 580 --out "$out" -- "$here/get_hosts.sh"
awk -f "$here/median.awk" -f "$here/get_table.awk" "$out/runs"
[ -z "$json" ] || awk -f "$here/rows_json.awk" -v columns='program set bytes seconds cpu_s hw_ns copy_ns' "$out/runs" >"$json"

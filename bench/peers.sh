#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# All-reduces and streams by this plugin against others' ways between two machines: plain TCP, Open MPI, RDMA by software.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: bench/peers.sh [OPTIONS]

  --memory KIND      udmabuf (default) or dmvram
  --sizes MIN,MAX,F  of all-reduces: from MIN to MAX by a factor (default 4K,16M,16)
  --iters N          timed runs for each size (default 10)
  --streams SIZES    of messages of the streams, with commas (default 64K,1M)
  --volume SIZE      bytes of each stream (default 64M)
  --repeat N         runs of each way, in turns; medians are shown (default 3)
  --mtu N            (default 4148: 4096 bytes of payload with IPv4 and TCP timestamps)
  --out DIR          where the JSON of every run goes (default: nowhere)
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
export DEVMEM_PEERS_MEMORY=udmabuf DEVMEM_PEERS_SIZES=4K,16M,16 DEVMEM_PEERS_ITERS=10 DEVMEM_PEERS_STREAMS=64K,1M DEVMEM_PEERS_VOLUME=64M DEVMEM_PEERS_REPEAT=3
mtu=4148 out=''
fail() { echo "peers: $*" >&2; exit 2; }
while [ $# -gt 0 ]; do
	[ "$1" != --help ] || { usage; exit 0; }
	[ $# -gt 1 ] || fail "$1 needs a value, or is none of the options: see --help"
	case $1 in
	--memory) DEVMEM_PEERS_MEMORY=$2 ;;
	--sizes) DEVMEM_PEERS_SIZES=$2 ;;
	--iters) DEVMEM_PEERS_ITERS=$2 ;;
	--streams) DEVMEM_PEERS_STREAMS=$2 ;;
	--volume) DEVMEM_PEERS_VOLUME=$2 ;;
	--repeat) DEVMEM_PEERS_REPEAT=$2 ;;
	--mtu) mtu=$2 ;;
	--out) out=$2 ;;
	*) fail "no option '$1': see --help" ;;
	esac
	shift 2
done
for number in "$DEVMEM_PEERS_ITERS" "$DEVMEM_PEERS_REPEAT" "$mtu"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] || fail "'$number': give a whole number from 1; see --help"
done
[[ $DEVMEM_PEERS_SIZES =~ ^[^,]+,[^,]+,[0-9]+$ ]] || fail "--sizes '$DEVMEM_PEERS_SIZES': give the smallest, the largest and a factor, as 4K,16M,16"
case $DEVMEM_PEERS_MEMORY in
udmabuf | dmvram) ;;
*) fail "--memory '$DEVMEM_PEERS_MEMORY': udmabuf or dmvram" ;;
esac
if [ -z "$out" ]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out"
rm -f "$out"/*.allreduce.*.json "$out"/*.stream.*.json

"$repo/kernel/uml/guest.sh" --machines --mtu "$mtu" --timeout 580 --out "$out" -- "$here/peers_hosts.sh"
"$here/peers_table.py" "$out"

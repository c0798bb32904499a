#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Bus bandwidth of a collective by the number of ranks, over guests that are machines of their own.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: bench/multihost.sh [OPTIONS]

  --machines N        guests, each a kernel of its own, 2 to 8 (default 2)
  --ranks LIST        numbers of ranks, with commas; those below N are left out (default 2,4,8,16)
  --collective NAME   allreduce (default), allgather, reducescatter, broadcast, sendrecv or alltoall
  --memory KIND       udmabuf (default) or dmvram
  --plan PLAN         auto (default), or host: plain TCP
  --nics K            networks; the ranks of a host spread over its NICs (default 1)
  --size SIZE         of the buffers (default 4M)
  --iters N           timed runs (default 10)
  --repeat N          rounds over all numbers of ranks; the table shows medians (default 3)
  --timeout S         seconds until the guests are killed (default 580)
  --out DIR           keep COLLECTIVE-mMACHINES-rRANKS-PLAN-ROUND.json of each run there, as the collective's --json writes it
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
export DEVMEM_MULTI_RANKS=2,4,8,16 DEVMEM_MULTI_COLLECTIVE=allreduce DEVMEM_MULTI_SIZE=4M DEVMEM_MULTI_ITERS=10 DEVMEM_MULTI_REPEAT=3
export NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_PLAN=auto
machines=2 nics=1 timeout=580 out=''
die() { echo "multihost: $*" >&2; exit 2; }
while [ $# -gt 0 ]; do
	[ "$1" != --help ] || { usage; exit 0; }
	[ $# -gt 1 ] || die "$1 needs a value, or is none of the options: see --help"
	case $1 in
	--machines) machines=$2 ;;
	--ranks) DEVMEM_MULTI_RANKS=$2 ;;
	--collective) DEVMEM_MULTI_COLLECTIVE=$2 ;;
	--memory) NCCL_DEVMEM_MEMORY=$2 ;;
	--plan) NCCL_DEVMEM_PLAN=$2 ;;
	--nics) nics=$2 ;;
	--size) DEVMEM_MULTI_SIZE=$2 ;;
	--iters) DEVMEM_MULTI_ITERS=$2 ;;
	--repeat) DEVMEM_MULTI_REPEAT=$2 ;;
	--timeout) timeout=$2 ;;
	--out) out=$2 ;;
	*) die "no option '$1': see --help" ;;
	esac
	shift 2
done
for number in "$machines" "$nics" "$DEVMEM_MULTI_ITERS" "$DEVMEM_MULTI_REPEAT" "$timeout" ${DEVMEM_MULTI_RANKS//,/ }; do
	[[ $number =~ ^[1-9][0-9]*$ ]] || die "'$number': give a whole number from 1; see --help"
done
[[ $DEVMEM_MULTI_COLLECTIVE =~ ^[a-z]+$ && -x $DEVMEM_BUILD/bin/$DEVMEM_MULTI_COLLECTIVE ]] || die "no collective '$DEVMEM_MULTI_COLLECTIVE': see --help"
[[ $NCCL_DEVMEM_PLAN =~ ^(auto|host)$ ]] || die "--plan '$NCCL_DEVMEM_PLAN': auto or host"
most=$(tr , '\n' <<<"$DEVMEM_MULTI_RANKS" | sort -n | tail -1)
[ "$most" -ge "$machines" ] || die "--ranks $DEVMEM_MULTI_RANKS: none reaches the $machines machines"

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
# A receive queue for each rank of a host, on each NIC, beside the first, which ordinary traffic takes.
queues=$((1 + (most + machines - 1) / machines))
"$repo/kernel/uml/guest.sh" --machines --hosts "$machines" --nics "$nics" --queues "$((queues < 8 ? 8 : queues))" --timeout "$timeout" --out "$runs" -- \
	"$here/multihost_hosts.sh"
[ -z "$out" ] || { mkdir -p "$out" && cp "$runs"/*.json "$out"; }
echo
echo "# $DEVMEM_MULTI_COLLECTIVE, $DEVMEM_MULTI_SIZE, over $machines machines, plan $NCCL_DEVMEM_PLAN, data in $NCCL_DEVMEM_MEMORY memory; medians of $DEVMEM_MULTI_REPEAT"
awk -f "$here/median.awk" -f "$here/multihost_table.awk" "$runs/runs"

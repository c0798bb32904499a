#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside two guests that are machines: all-reduces and streams in every way in turns; the JSON of each goes to $DEVMEM_OUT/WAY.{allreduce,stream}.N.json.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
export NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=$DEVMEM_PEERS_MEMORY
memory=$DEVMEM_PEERS_MEMORY
IFS=, read -r smallest largest factor <<<"$DEVMEM_PEERS_SIZES"
collective=(--memory "$memory" -b "$smallest" -e "$largest" -f "$factor" -n "$DEVMEM_PEERS_ITERS" -w 2 -c 1)
stream=(--size "$DEVMEM_PEERS_STREAMS" --channels 1 --depth 4 --volume "$DEVMEM_PEERS_VOLUME" --repeat 1 --latency 0)

# quietly NAME CMD...: the JSON is what counts, unless CMD fails.
quietly() {
	"${@:2}" >/tmp/peers.log 2>&1 || {
		cat /tmp/peers.log >&2
		echo "peers: $1 failed: its own messages are above" >&2
		exit 1
	}
}

# The ways: each runs RUNNER RANKS CMD... with its own environment and options.
devmem() { NCCL_DEVMEM_REQUIRE=1 "$here/hosts_run.sh" 2 "$@"; }
plain() { NCCL_DEVMEM_PLAN=host "$here/hosts_run.sh" 2 "$@"; }
verbs() { "$here/hosts_run.sh" 2 "$@" --plugin verbs; }
mpi() { "$here/mpi_run.sh" 2 "$@"; }

allreduces() {	# N
	local way program
	for way in devmem plain mpi ${verbs:+verbs}; do
		program=allreduce
		[ "$way" != mpi ] || program=allreduce_mpi
		quietly "the all-reduce by $way" "$way" "$program" "${collective[@]}" --json "$DEVMEM_OUT/$way.allreduce.$1.json"
	done
}

# RDMA's messages lie in host memory, the others' where the plugin puts them.
streams() {	# N
	local way kind
	for way in devmem plain ${verbs:+verbs}; do
		kind=$memory
		[ "$way" != verbs ] || kind=host
		quietly "the stream by $way" "$way" p2p --memory "$kind" "${stream[@]}" --json "$DEVMEM_OUT/$way.stream.$1.json"
	done
}

verbs=''
if [ ! -e "$DEVMEM_BUILD/lib/libnccl-net-verbs.so" ]; then
	echo 'peers: RDMA is left out, since this was built without libibverbs-dev: install it and build anew' >&2
elif "$here/rxe.sh"; then
	verbs=yes
else
	echo 'peers: RDMA is left out: see above' >&2
fi
for host in host0 host1; do
	on "$host" ethtool -K dm0 rx-gro-hw on
done
for ((n = 1; n <= DEVMEM_PEERS_REPEAT; n++)); do
	allreduces "$n"
	streams "$n"
done

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside two guests that are machines: the bench's plugin over RDMA's verbs, by Soft-RoCE. Nothing may be wrong, and what it cannot do must be said.
set -euo pipefail

bench=$DEVMEM_REPO/bench
p2p=("$bench/hosts_run.sh" 2 p2p --plugin verbs --volume 4M --repeat 1)

# refused WORDS CMD...: CMD must fail and say WORDS.
refused() {
	if "${@:2}" >/tmp/refused.out 2>&1 || ! grep -q -- "$1" /tmp/refused.out; then
		cat /tmp/refused.out
		echo "verbs: ${*:2}: this should have failed with '$1'"
		exit 1
	fi
}

# exact PROGRAM OPTION...: a collective whose results must all be right.
exact() {
	"$bench/hosts_run.sh" 2 "$1" --plugin verbs --timeout 20 "${@:2}" >/tmp/exact.out 2>&1 || { cat /tmp/exact.out; exit 1; }
	grep -E 'net plugin verbs|Out of bounds|through isend' /tmp/exact.out
	grep -q 'Out of bounds values : 0 OK' /tmp/exact.out
}

refused 'rdma link add rxe0' "${p2p[@]}"
for host in host0 host1; do
	on $host ip link add bare type dummy
	on $host ip link set bare up
	on $host rdma link add rxe9 type rxe netdev bare
done
refused 'rxe9: port 1 has no GID of RoCE v2 but link-local ones: give its interface an IP address' "${p2p[@]}"
for host in host0 host1; do
	on $host rdma link delete rxe9
done
"$bench/rxe.sh"
on host0 rdma link show
"${p2p[@]}" --size 4K,64K,1M --channels 1,3 --latency 50
"${p2p[@]}" --size 64K --channels 2 --depth 32 --bidirectional --latency 0
refused 'takes no dmabufs' "${p2p[@]}" --memory udmabuf
# Small buffers make empty messages.
for memory in host udmabuf dmvram; do
	exact allreduce --memory $memory -b 4 -e 4M -f 32 -n 2 -w 1 -C 2
	exact allreduce --memory $memory -d uint8 -b 1 -e 1M --random 30
done
for collective in allgather reducescatter broadcast sendrecv alltoall; do
	exact $collective -d int32 -b 16 -e 1M --random 20
done

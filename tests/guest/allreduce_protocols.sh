#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: allreduce_protocols.sh RANKS runs the messages of each of NCCL's protocols, all sizes from one element on, with each way to place them;
# nothing may be wrong. RANKS may be more than there are hosts.
set -euo pipefail

ranks=$1
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_REQUIRE=1 NCCL_DEVMEM_POOL_MB=$((64 / ranks)) NCCL_DEVMEM_QUEUES=1
for placement in copy unpack; do
	for proto in simple ll ll128 p2p; do
		max=2M
		[ $proto != simple ] || max=16M
		echo "# $ranks ranks, messages as of $proto, NCCL_DEVMEM_PLACEMENT=$placement"
		NCCL_DEVMEM_PLACEMENT=$placement "$DEVMEM_REPO/bench/hosts_run.sh" "$ranks" allreduce --memory udmabuf --proto "$proto" -b 4 -e $max -f 8 -n 1 -w 0 -c 2 \
			--timeout 30 >/tmp/out || { cat /tmp/out; exit 1; }
		grep -E 'Out of bounds|received|placed' /tmp/out
		grep -q 'Out of bounds values : 0 OK' /tmp/out
	done
done

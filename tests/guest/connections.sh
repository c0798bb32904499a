#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: connections.sh N sets up N connections each way between two hosts; each host may need one steering rule for all of them.
set -euo pipefail

export NCCL_SOCKET_IFNAME==dm0 NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_REQUIRE=1 NCCL_DEVMEM_QUEUES=1
said=$("$DEVMEM_REPO/bench/hosts_run.sh" 2 p2p --connect "$1" --nic dm0)
echo "$said"
grep -q "^$1 connections each way, $((2 * $1)) in all, in " <<<"$said"
[ "$(grep -c 'rank [01]: 1 steering rules on dm0' <<<"$said")" = 2 ]
[ "$(on host0 ethtool -n dm0 | awk '/Total/ { print $2 }')" = 0 ]

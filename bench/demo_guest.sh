#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: all-reduces between two hosts over device memory TCP, then over plain TCP; results go to $DEVMEM_OUT.
set -eu

export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=${DEVMEM_DEMO_MEMORY:-udmabuf}
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)

# shellcheck source-path=SCRIPTDIR source=nic_counters.sh
. "$here/nic_counters.sh"

[ $# -gt 0 ] || set -- -b 8 -e 64M -f 2 -n 3 -w 1 -c 1
echo 'Between two hosts over device memory TCP: payload goes from NIC to dmabuf and from dmabuf to NIC'
nic_counters "$DEVMEM_OUT" start
NCCL_DEVMEM_REQUIRE=1 "$here/hosts_run.sh" 2 allreduce --memory "$NCCL_DEVMEM_MEMORY" --json "$DEVMEM_OUT/devmem.json" "$@"
nic_counters "$DEVMEM_OUT" devmem
echo
echo 'The same over plain TCP: payload goes through host memory'
NCCL_DEVMEM_PLAN=host "$here/hosts_run.sh" 2 allreduce --memory "$NCCL_DEVMEM_MEMORY" --json "$DEVMEM_OUT/plain.json" "$@"
nic_counters "$DEVMEM_OUT" plain

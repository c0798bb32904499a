#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: collectives.sh RANKS MEMORY runs every collective over device memory TCP, through a list of sizes and at random ones; every byte must go there.
set -euo pipefail

ranks=$1 memory=$2

# shellcheck source-path=SCRIPTDIR source=../../bench/nic_counters.sh
. "$DEVMEM_REPO/bench/nic_counters.sh"

judged() {	# COLLECTIVE OPTION...: runs it, shows the table, and judges every figure
	nic_counters /tmp start
	"$DEVMEM_REPO/bench/hosts_run.sh" "$ranks" "$1" --memory "$memory" --timeout 30 --json /tmp/collective.json "${@:2}" >/tmp/collective.out || {
		cat /tmp/collective.out
		echo "$*: failed"
		exit 1
	}
	grep -vE '^#(  |$)' /tmp/collective.out
	nic_counters /tmp devmem
	verdict --devmem /tmp/collective.json --nics /tmp --hosts "$ranks" >/tmp/verdict.out || {
		cat /tmp/verdict.out
		exit 1
	}
}

# Each page of a pool costs the guest's kernel a mapping of the machine, which allows some 65,000 (vm.max_map_count).
export NCCL_DEVMEM_POOL_MB=$((64 / ranks))
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=$memory NCCL_DEVMEM_REQUIRE=1
for collective in allreduce allgather reducescatter broadcast sendrecv alltoall; do
	judged $collective -b 64 -e 4M -f 16 -n 2 -w 1 -C 2
	case $collective in
	sendrecv | alltoall) ;;
	*) judged $collective -b 64 -e 1M -f 32 -n 1 -w 0 --in-place ;;
	esac
	judged $collective -b 16 -e 1M --random 50 -d uint8
done

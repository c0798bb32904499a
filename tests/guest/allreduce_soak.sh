#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: allreduce_soak.sh RANKS CHANNELS TYPE N [MEMORY] runs N all-reduces of random sizes over device memory TCP; every byte must go there.
set -euo pipefail

ranks=$1 channels=$2 type=$3 n=$4 memory=${5:-udmabuf}
least=4
[ "$type" != uint8 ] || least=1
bench=$DEVMEM_REPO/bench

# shellcheck source-path=SCRIPTDIR source=../../bench/nic_counters.sh
. "$bench/nic_counters.sh"

# Each page of a pool costs the guest's kernel a mapping of the machine, which allows some 65,000 (vm.max_map_count).
export NCCL_DEVMEM_POOL_MB=$((64 / ranks))
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=$memory NCCL_DEVMEM_REQUIRE=1
nic_counters /tmp start
"$bench/hosts_run.sh" "$ranks" allreduce --memory "$memory" -C "$channels" -d "$type" -b "$least" -e 1M --random "$n" --seed "$((ranks * 100 + channels))" \
	--timeout 30 --json /tmp/soak.json | tee /tmp/soak.out
if [ "${NCCL_DEVMEM_PLACEMENT:-copy}" = unpack ] && grep ' 0 by its kernels' /tmp/soak.out; then
	echo 'no byte was left to the kernels'
	exit 1
fi
nic_counters /tmp devmem
verdict --devmem /tmp/soak.json --nics /tmp --hosts "$ranks"
gpu=null
[ "$memory" != cuda ] || gpu='"stand-in"' # no GPU reaches a guest
grep -q "\"gpu\": $gpu," /tmp/soak.json || {
	grep '"gpu"' /tmp/soak.json
	echo "the device's name is not $gpu"
	exit 1
}

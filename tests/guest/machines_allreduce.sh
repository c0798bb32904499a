#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the first of several guests that are machines of their own: the plugin's all-reduce between them; receives lie in device memory, all values are right.
#
# machines_allreduce.sh MEMORY: where the ranks' buffers lie, as allreduce --memory says it.
set -eu

memory=$1
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=$memory
repo=$(cd "$(dirname "$0")/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=../../bench/nic_counters.sh
. "$repo/bench/nic_counters.sh"

"$repo/bench/hosts_run.sh" "$DEVMEM_HOSTS" allreduce --memory "$memory" -b 128 -e 4M -f 32 -n 1 -w 0 -c 1
for ((h = 0; h < DEVMEM_HOSTS; h++)); do
	host=host$h
	device=$(received "$host" dm0 devmem_bytes) linear=$(received "$host" dm0 linear_bytes)
	echo "$host received $device bytes in device memory, $linear bytes of payload in host memory on a bound queue"
	# Each rank receives as many bytes as it has or more, in each of two all-reduces of 4 MiB.
	[ "$device" -ge 8000000 ] || { echo "$host received less in device memory than the all-reduces need"; exit 1; }
	[ "$linear" = 0 ] || { echo "$host received payload in host memory"; exit 1; }
done

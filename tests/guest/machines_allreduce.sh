#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the first of two guests that are machines of their own: the plugin's all-reduce between them; receives lie in device memory, all values are right.
#
# machines_allreduce.sh MEMORY: where the ranks' buffers lie, as allreduce --memory says it.
set -eu

memory=$1
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=$memory
repo=$(cd "$(dirname "$0")/../.." && pwd)

# received HOST COUNTER: its sum over the rx queues of dm0.
received() { on "$1" ethtool -S dm0 | awk -v name="_$2:" '$1 ~ "^rx[0-9]+" name "$" { sum += $2 } END { print sum + 0 }'; }

"$repo/bench/hosts_run.sh" 2 allreduce --memory "$memory" -b 4 -e 4M -f 32 -n 1 -w 0 -c 1
for host in host0 host1; do
	device=$(received "$host" devmem_bytes) linear=$(received "$host" linear_bytes)
	echo "$host received $device bytes in device memory, $linear bytes of payload in host memory on a bound queue"
	# Each of two ranks receives as many bytes as it has, in each of two all-reduces of 4 MiB.
	[ "$device" -ge 8000000 ] || { echo "$host received less in device memory than the all-reduces need"; exit 1; }
	[ "$linear" = 0 ] || { echo "$host received payload in host memory"; exit 1; }
done

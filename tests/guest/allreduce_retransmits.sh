#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: allreduce counts what TCP sends again when the wire loses packets, results are exact all the same, and the environment that it writes is the guest's.
set -euo pipefail

export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_REQUIRE=1
on host1 ip link set dm0 type dmnic loss 50
"$DEVMEM_REPO/bench/hosts_run.sh" 2 allreduce --memory udmabuf -b 1M -n 10 -w 0 -J /tmp/lossy.json

failures=0
expect() {	# WORDS: the file has them
	tr -d '\n' </tmp/lossy.json | grep -qE "$1" || { echo "no '$1' in $(cat /tmp/lossy.json)"; failures=$((failures + 1)); }
}
expect '"retransmits": [1-9][0-9]*, *"wrong": 0 '
expect '"totals": .*"retransmits": [1-9]'
expect '"hosts": \[ *"host0", *"host1" *\]'
expect '"plan": "receive to device memory, send from device memory", *"queues": "own"'
expect '"nic": \{ *"name": "dm0", *"driver": "dmnic", *"speed_mbps": null, *"mtu": [1-9]'
exit "$failures"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest, or the first of several: multihost.sh RANKS... runs all-reduces of so many ranks over all hosts and NICs; every byte must go by device memory.
# Then all pairs of hosts exchange data, mpirun deals out ranks as a hostfile and --map-by say, and each host's NICs must have had their share.
set -euo pipefail

memory=${NCCL_DEVMEM_MEMORY:-udmabuf}
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
bench=$here/../../bench
# shellcheck source-path=SCRIPTDIR source=../../bench/nic_counters.sh
. "$bench/nic_counters.sh"
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=dm NCCL_DEVMEM_MEMORY=$memory NCCL_DEVMEM_REQUIRE=1
fail() { cat /tmp/run.out; echo "FAILED: $*" >&2; exit 1; }

# run COLLECTIVE RANKS [OPTION-OF-HOSTS_RUN...]: with the results in /tmp/run.json and /tmp/run.out.
run() {
	local collective=$1 ranks=$2
	shift 2
	# Each page of a pool costs the guest's kernel a mapping of the machine, which allows some 65,000 (vm.max_map_count).
	NCCL_DEVMEM_POOL_MB=$((64 * DEVMEM_HOSTS / ranks / DEVMEM_NICS)) "$bench/hosts_run.sh" "$@" "$ranks" "$collective" --memory "$memory" \
		-b 64K -e 256K -f 4 -n 1 -w 0 -c 1 --timeout 60 --json /tmp/run.json >/tmp/run.out 2>&1 || fail "$collective of $ranks ranks, $*: status $?"
}

# judged ...: the same, and every byte must have gone by device memory.
judged() {
	echo "== $*"
	nic_counters /tmp start
	run "$@"
	nic_counters /tmp devmem
	verdict --devmem /tmp/run.json --nics /tmp --hosts "$DEVMEM_HOSTS" >/tmp/verdict.out || { cat /tmp/verdict.out; fail "$*: see above"; }
	said "Out of bounds values : 0 OK"
}

said() { grep -qE "$1" /tmp/run.out || fail "no '$1' above"; }

for ranks in "$@"; do
	judged allreduce "$ranks"
done
# The last run had the most ranks: host0's second is its local rank 1, on the second NIC and CUDA device where there are two.
if [ "$ranks" -gt "$DEVMEM_HOSTS" ]; then
	said "rank +$DEVMEM_HOSTS on host0: local rank 1, net device dm$((DEVMEM_NICS > 1))${DEVMEM_TEST_GPUS:+, CUDA device $((DEVMEM_TEST_GPUS > 1))}\$"
fi
judged alltoall "$DEVMEM_HOSTS"
judged allreduce "$DEVMEM_HOSTS" --map-by ppr:1:node

# Neighbours on one host speak by the kernel's loopback, where no NIC reads device memory: all values must be right still.
echo '== two slots on each host of a hostfile'
for ((host = 0; host < DEVMEM_HOSTS; host++)); do
	echo "host$host slots=2"
done >/tmp/hostfile
run allreduce $((2 * DEVMEM_HOSTS)) --hostfile /tmp/hostfile --map-by slot
said 'rank +1 on host0: local rank 1'
said 'rank +2 on host1: local rank 0'
said 'Out of bounds values : 0 OK'
said 'received +[1-9][0-9]* bytes in device memory, 0 linear, [1-9]'

for ((host = 0; host < DEVMEM_HOSTS; host++)); do
	for ((nic = 0; nic < DEVMEM_NICS; nic++)); do
		device=$(received "host$host" "dm$nic" devmem_bytes) linear=$(received "host$host" "dm$nic" linear_bytes)
		echo "dm$nic of host$host received $device bytes in device memory, $linear bytes of payload in host memory on a bound queue"
		[ "$device" -gt 0 ] || fail "dm$nic of host$host received nothing in device memory"
		[ "$linear" = 0 ] || fail "dm$nic of host$host received payload in host memory"
	done
done

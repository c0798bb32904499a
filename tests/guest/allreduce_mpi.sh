#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: MPI's own all-reduce between two hosts, from memory of every kind; results are exact, and its bytes go over dm0.
set -euo pipefail

# shellcheck disable=SC2016 # awk's own
received() { on host1 awk '$1 == "dm0:" { print $2 }' /proc/net/dev; }

for memory in host udmabuf dmvram; do
	before=$(received)
	"$DEVMEM_REPO/bench/mpi_run.sh" 2 allreduce_mpi --memory "$memory" -b 4 -e 4M -f 32 -n 2 -w 1 --json /tmp/mpi.json | tee /tmp/mpi.out
	grep -q '^# Open MPI .* without a net plugin, transports: tcp,self' /tmp/mpi.out
	grep -q '"wrong": 0,\?$' /tmp/mpi.json
	[ "$memory" = host ] || grep -q 'copied to host memory and back' /tmp/mpi.out
	# Four all-reduces of 4 MiB.
	bytes=$(($(received) - before))
	[ "$bytes" -ge 16000000 ] || { echo "host1 received $bytes bytes on dm0: where did the others go?"; exit 1; }
	for type in int32 uint8; do
		"$DEVMEM_REPO/bench/mpi_run.sh" 2 allreduce_mpi --memory "$memory" -d $type -b 4 -e 1M --random 30 | grep 'Out of bounds'
	done
done

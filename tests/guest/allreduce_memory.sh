#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: what allreduce registers follows from what the plugin takes, as in NCCL; and it flushes device memory when asked to.
set -eu

failures=0
expect() {	# WORDS OPTIONS...: allreduce, run with the environment as it is, says so
	local words=$1 said
	shift
	said=$(mpirun -n 2 --oversubscribe allreduce --memory udmabuf -b 64K -n 1 -w 0 --json /tmp/memory.json "$@" 2>&1) || { echo "$said"; failures=$((failures + 1)); }
	said+=$(cat /tmp/memory.json)
	tr -d '\n' <<<"$said" | grep -qE "$words" || { echo "no '$words' in: $said"; failures=$((failures + 1)); }
}

strict="$DEVMEM_BUILD/lib/loopback_plugin.so"
expect 'staged: the plugin takes neither device pointers nor dmabufs.*"device_fifos": false.*"flushes": 0' --plugin "$strict" --flush always
export LOOPBACK_DMABUF=1
expect 'device memory, registered by its dmabuf.*"device_fifos": true' --plugin "$strict"
# Two all-reduces, two ranks, two hops, and of each chunk of 32 KiB the first slice holds it all: 8 receives bring bytes and 8 are empty.
# This plugin asks for flushes, which it can from version 9 on.
expect '"flushes": 8,' --plugin "$strict"
expect '"flushes": 0,' --plugin "$strict" --abi 8
expect '"flushes": 8,' --plugin "$strict" --abi 8 --flush always
expect '"flushes": 0,' --plugin "$strict" --flush never
exit $((failures > 0))

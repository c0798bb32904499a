#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: runs of devmemget and get_curl in turns, a row of $DEVMEM_OUT/runs for each.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=tests/guest/http_lib.sh
. "$here/../tests/guest/http_lib.sh"
objects=/tmp/objects json=/tmp/get.json
origin=$(origin_of host0 8080)
common=(-e "$DEVMEM_GET_MEMORY" --connections="$DEVMEM_GET_CONNECTIONS" --base="$origin/")

hw_ns() {	# the sum over all queues of both hosts
	for host in host0 host1; do on "$host" ethtool -S dm0; done | awk '/_hw_ns:/ { sum += $2 } END { printf "%.0f", sum }'
}

member() { sed -n "s/^ *\"$1\": \([-+.0-9e]*\),\{0,1\}$/\1/p" $json; } # NAME: of the figures

# The programs, by the name that the table has for them.
devmem() {
	# shellcheck disable=SC2086 # options are words
	on host1 devmemget -i dm0 "${common[@]}" $DEVMEM_GET_OPTIONS "$@"
}
curl_and_copy() { on host1 get_curl --largest="$size" "${common[@]}" "$@"; }

# right PROGRAM: what it puts in device memory is what the server has. This run is not measured.
right() {
	"$1" --index=$objects/index --sha256 | sed 's|  .*/|  |' | LC_ALL=C sort >/tmp/hashes
	LC_ALL=C sort "$objects/sums" | diff - /tmp/hashes >&2 || { echo "get_hosts: $1 fetches other bytes than nginx serves" >&2; return 1; }
}

# one PROGRAM SET: hw_ns is of all that both NICs did, which is this run.
one() {
	local before
	before=$(hw_ns)
	"$1" --index=$objects/rounds --json=$json
	echo "$1 $2 $(member bytes) $(member seconds) $(member cpu_s) $(($(hw_ns) - before)) $(member copy_ns)" >>"$DEVMEM_OUT/runs"
}

for host in host0 host1; do
	on "$host" ethtool -K dm0 rx-gro-hw "$DEVMEM_GET_GRO_HW"
done
mkdir -p $objects
serve_nginx host0 $objects 8080
for set in ${DEVMEM_GET_OBJECTS//,/ }; do
	size=${set#*x}
	rm -f $objects/*
	yes "$(numfmt --from=iec "$size")" 2>/dev/null | head -n "${set%x*}" | make_sizes $objects
	for ((n = 1; n <= DEVMEM_GET_ROUNDS; n++)); do cat $objects/index; done >$objects/rounds
	right devmem
	right curl_and_copy
	for ((n = 1; n <= DEVMEM_GET_REPEAT; n++)); do
		one devmem "$set"
		one curl_and_copy "$set"
	done
done

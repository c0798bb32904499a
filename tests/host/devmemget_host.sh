#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# devmemget with host memory by ordinary sockets, in a network namespace of its own: objects of nginx, and every fault of a server that breaks.
set -u
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
skip() { echo "skipped: $*"; exit 77; }

if [ -z "${DEVMEMGET_HOST:-}" ]; then
	export DEVMEMGET_HOST=1
	for namespace in -n -rn; do
		! unshare $namespace ip link set lo up 2>/dev/null || exec unshare $namespace "$0" "$@"
	done
	skip 'no network namespace can be made here, as root or with user namespaces'
fi
for program in ip ss openssl /usr/bin/python3; do
	command -v "$program" >/dev/null || skip "$program is missing"
done
ip link set lo up || exit 1

# A host of the guest is this machine; its programs are on the PATH there.
bin=$(mktemp -d "${TMPDIR:-/tmp}/devmemget-bin.XXXXXX")
trap 'rm -rf "$bin"' EXIT
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$bin/on"
chmod +x "$bin/on"
PATH=$bin:${DEVMEM_BUILD:?}/bin:$PATH

DEVMEM_TEST_MEMORY=host
patience=1
# shellcheck source=tests/guest/devmemget_lib.sh
. "$here/../guest/devmemget_lib.sh"
trap 'http_end; rm -rf "$bin" "$dir"' EXIT
origin_of() { echo "http://127.0.0.1:$2"; }
clean() { :; } # no queue is leased

objects=$dir/objects
# shellcheck source=tests/guest/devmemget_fault_cases.sh
. "$here/../guest/devmemget_fault_cases.sh"

if ! command -v nginx >/dev/null; then
	say 'without nginx, which is not installed'
	finish
fi
objects=$dir/many
make_objects "$objects" $((1 << 20)) $((4 << 20)) || exit 1
n=$(wc -l <"$objects/index")
nginx=$(origin_of host0 8081)
serve_nginx host0 "$objects" 8081 || exit 1

whole() {	# SERVER'S URL OPTIONS...
	local from=$1
	shift
	got --sha256 --index="$objects/index" --base="$from/" "$@"
	printed "$objects/sums"
	equals objects "$n"
	equals failed 0
	equals bytes "$((4 << 20))"
	equals placed "$((4 << 20))"
	equals rx_device 0
}

test_case 'all objects of nginx'
whole "$nginx"
equals retries 0
whole "$nginx" --part=64K --connections=8 --window=2M
whole "$nginx" --connections=1
at_most connects 1

test_case 'without ranges, and with connections that end'
whole "$nginx/norange" --part=64K
whole "$nginx/few" --part=64K --connections=3

test_case 'redirects'
whole "$nginx/relative" --connections=2
finish

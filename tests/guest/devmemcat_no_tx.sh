#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside a guest whose NICs cannot send device memory: devmemcat says so once, and sends from host memory.
set -u
# shellcheck source=tests/guest/devmemcat_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemcat_lib.sh"

random "$size" >data
test_case 'sends from host memory to device memory'
address=10.0.0.2 serve host1 -d
on host0 devmemcat --json=json.client 10.0.0.2 "$port" <data 2>err.client || fail "$(cat err.client)"
ended "$server" 0 connected
same data out
received "$size"
mv json.client json
[ "$(value tx_plain) $(value tx_device)" = "$size 0" ] || fail "$(cat json)"
[ "$(grep -c 'sending from host memory, because: ' err.client)" = 1 ] || fail "$(cat err.client)"
finish

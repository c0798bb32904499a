#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: a gibibyte from nc through devmemcat and another back to nc, made and hashed on the fly at both ends.
set -u
# shellcheck source=tests/guest/devmemcat_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemcat_lib.sh"

nc=nc.openbsd
size=$((1 << 30))
# That many bytes that do not repeat, the same every time; pieces are large since system calls cost most in the guest.
stream() { openssl enc -aes-128-ctr -K 1234 -iv 0 -nosalt -bufsize 1048576 </dev/zero 2>/dev/null | dd bs=1M count=1024 iflag=fullblock status=none; }
same_sum() {
	cmp sum_of_stream sum || fail "the hash is $(cat sum) instead of $(cat sum_of_stream)"
}

stream | sha256sum >sum_of_stream
test_case 'nc sends a gibibyte to devmemcat'
on host1 devmemcat -v -d --json=json -l 10.0.0.2 "$port" 2>err | sha256sum >sum &
peer=$!
await_port host1 "$port"
stream | on host0 $nc -N 10.0.0.2 "$port" || fail "nc ended with $?"
wait $peer
same_sum
received "$size"
grep _per_s json

test_case 'devmemcat sends a gibibyte to nc'
on host1 $nc -l 10.0.0.2 "$port" </dev/null | sha256sum >sum &
peer=$!
await_port host1 "$port"
stream | on host0 devmemcat --json=json 10.0.0.2 "$port" 2>err || fail "$(cat err)"
wait $peer
same_sum
sent "$size"
grep _per_s json
finish

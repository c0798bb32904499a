#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: devmemget behind a NIC that does wrong on request (kernel/README.md), a fault at a time. Every object comes right; nothing is left behind.
set -u
# shellcheck source=tests/guest/devmemget_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemget_lib.sh"

objects=$dir/objects
printf '%s\n' 5000 100000 1048579 300001 | make_sizes "$objects" || exit 1
nginx=$(origin_of host0 8081)
serve_nginx host0 "$objects" 8081 || exit 1
for fault in linear partial split loss duplicate reorder corrupt missteer nobuf; do
	test_case "a NIC with the fault $fault"
	on host1 ip link set dm0 type dmnic "$fault" 50 || fail "the NIC has no fault $fault"
	got --sha256 --part=256K --index="$nginx/index"
	on host1 ip link set dm0 type dmnic "$fault" 0
	printed "$objects/sums"
	equals tokens_returned "$(value tokens_taken)"
	clean
done
finish

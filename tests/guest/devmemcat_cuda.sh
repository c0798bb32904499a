#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest, with LD_LIBRARY_PATH at a libcuda.so.1: devmemcat from CUDA memory to CUDA memory; what it has allocated is freed, or the fake complains.
set -u
# shellcheck source=tests/guest/devmemcat_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemcat_lib.sh"

random "$size" >data
test_case 'sends from CUDA memory to CUDA memory'
address=10.0.0.2 serve host1 -d --exporter cuda
on host0 devmemcat --exporter cuda --json=json.client 10.0.0.2 "$port" <data 2>err.client || fail "$(cat err.client)"
ended "$server" 0 connected
same data out
received "$size"
mv json.client json
sent "$size"

test_case 'a device that exports nothing'
FAKE_CUDA_EXPORT=801 expect 4 'CUDA device 0 does not export' on host1 devmemcat --exporter cuda -l "$port"
test_case 'no device'
FAKE_CUDA_DEVICES=0 expect 4 'no CUDA-capable device' on host1 devmemcat --exporter cuda -l "$port"
finish

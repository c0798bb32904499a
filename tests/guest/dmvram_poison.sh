#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A stack that reads device memory by the CPU is caught: one read on purpose, in the debug flavour. dmvram_poison.sh GUEST.SH
set -eu

code=0
said=$("$1" --flavour debug --timeout 120 -- cat /sys/kernel/debug/dmvram/touch 2>&1) || code=$?
if [ "$code" = 99 ] && grep -q 'BUG: KASAN: .* in touch_get' <<<"$said"; then
	exit 0
fi
printf '%s\n' "$said"
echo "status $code; KASAN should have reported the read, and the guest have ended with 99" >&2
exit 1

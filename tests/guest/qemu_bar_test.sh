#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Device memory that is a PCI device's own, on a stock kernel: what one QEMU guest sends lies in the memory of the other's device, which
# this machine, outside of both, can see.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mark=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
lines=100000

"$here/qemu.sh" --out "$out" -- "$here/qemu_bar.sh" "$mark" "$lines"
seen() { { grep -aoE "$mark [0-9]{8}" "$1" || true; } | sort -u | wc -l; }
echo "of $lines lines sent, $(seen "$out/vram.1") lie in the memory of host1's device, $(seen "$out/vram.0") in that of host0's"
# Pages are used again while the transfer goes on, and a page's end cuts a line; but nothing comes after the last lines.
[ "$(seen "$out/vram.1")" -gt $((lines / 100)) ]
grep -aqF "$mark $(printf %08d $((lines - 1)))" "$out/vram.1"
[ "$(seen "$out/vram.0")" = 0 ]

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The demo: boots two hosts, runs the all-reduces of demo_guest.sh between them, and judges every figure.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
if [ "${1:-}" = --memory ]; then	# instead of udmabuf: dmvram, which the CPU cannot reach
	export DEVMEM_DEMO_MEMORY=${2:?demo --memory needs a kind: udmabuf or dmvram}
	shift 2
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$repo/kernel/uml/guest.sh" --hosts 2 --nics 1 --timeout 240 --out "$out" -- "$here/demo_guest.sh" "$@"
echo
"$DEVMEM_BUILD/bin/verdict" --devmem "$out/devmem.json" --plain "$out/plain.json" --nics "$out"

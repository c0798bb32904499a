#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scale_example.sh PROGRAM PAGE: each command of scale in the page runs, on files such as p2p writes, and every line says that it is a model.
set -eu

program=$1 page=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
result() { printf '{"plugin": "devmem", "size": %s, "channels": 1, "seconds_per_gb": %s, "nic_s_per_gb": 0, "wrong": 0}' "$1" "$2"; }
printf '{"bidirectional": false, "results": [%s, %s, %s]}' "$(result 8 1000)" "$(result 65536 0.2)" "$(result 1048576 0.11)" >costs.json
printf '{"connections": 512, "connect_seconds": 0.15}' >connect.json

commands=0
while read -r _ arguments; do
	commands=$((commands + 1))
	eval "\"$program\" $arguments" >said || { echo "scale $arguments ended with $?"; exit 1; }
	[ -s said ] || { echo "scale $arguments says nothing"; exit 1; }
	! grep -v '^model' said || { echo "scale $arguments: lines that do not say that they are a model"; exit 1; }
	! grep -iw measured said || { echo "scale $arguments calls something measured"; exit 1; }
done < <(grep -E '^build/release/bin/scale ' "$page")
[ "$commands" -ge 2 ] || { echo "$page shows $commands commands"; exit 1; }

grep -q 'noise of the fit' said
"$program" --costs costs.json --table --json figures.json >/dev/null
grep -q '"model": true' figures.json
if grep -q measured figures.json; then
	echo 'the JSON calls something measured'
	exit 1
fi
printf '{"bidirectional": false, "results": [%s]}' "$(result 8 1000)" >one.json
status=0
said=$("$program" --costs one.json 2>&1) || status=$?
[ "$status" = 3 ] && grep -q 'fewer than two sizes' <<<"$said" || { echo "one size: $status, $said"; exit 1; }

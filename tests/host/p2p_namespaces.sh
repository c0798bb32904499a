#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The plugin between two network namespaces: every byte right, nothing left behind, and options that are wrong are told.
set -eu

bench=$(cd "$(dirname "$0")/../../bench" && pwd)/p2p_namespaces.sh
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fail() { echo "p2p_namespaces: $*" >&2; cat "$out"/* >&2; exit 1; }

user=()
[ "$(id -u)" = 0 ] || user=(--user --map-root-user)
unshare "${user[@]}" --mount --net ip link add veth0.0 type veth peer name veth0.1 2>"$out/why" || { echo "skipped: no namespaces with a veth pair here: $(cat "$out/why")"; exit 77; }

before=$(ip -br link; ls /run/netns 2>/dev/null || true)
for mtu in 1500 9000; do
	"$bench" --mtu "$mtu" --congestion reno --size 1K,100003,1M --channels 1,3 --volume 8M --repeat 1 --latency 100 --json "$out/json" >"$out/table" 2>&1 || fail "with MTU $mtu it ended with $?"
	grep -q "^# two network namespaces, MTU $mtu, congestion control reno" "$out/table" || fail "it does not say on what it ran"
	python3 - "$out/json" <<'PYTHON' || fail "its results are wrong"
import json, sys
results = json.load(open(sys.argv[1]))["results"]
sys.exit(not (len(results) == 6 and all(r["wrong"] == 0 and r["gbs"] > 0 for r in results)))
PYTHON
done
after=$(ip -br link; ls /run/netns 2>/dev/null || true)
[ "$before" = "$after" ] || fail "it left something behind: before '$before', after '$after'"

refuses() {	# WORDS OPTION...
	local words=$1
	shift
	! "$bench" "$@" >"$out/told" 2>&1 || fail "$* was taken"
	grep -q -- "$words" "$out/told" || fail "$* is not told of as '$words'"
}
refuses "--mtu 'x': give a number" --mtu x
refuses '--mtu needs a value' --mtu
refuses "--congestion 'nope': network namespaces may have" --congestion nope
refuses 'p2p: ' --size 0

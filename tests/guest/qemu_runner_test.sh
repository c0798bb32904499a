#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The QEMU runner itself: exit statuses, output, commands on the other guest, and that a bad line in a kernel log is never missed.
set -u
qemu=$(dirname "$0")/qemu.sh
failed=0

# expect STATUS PATTERN OPTIONS...: runs guests, wants STATUS, and PATTERN in what was printed.
expect() {
	local want=$1 pattern=$2 output status
	shift 2
	output=$("$qemu" "$@" 2>&1 </dev/null)
	status=$?
	[ $status != 77 ] || { echo "$output"; exit 77; }
	if [ "$status" != "$want" ] || ! grep -q -- "$pattern" <<<"$output"; then
		printf 'FAILED: %s\n  status %s instead of %s, or no "%s" in:\n%s\n' "$*" "$status" "$want" "$pattern" "$output"
		failed=1
	fi
}

expect 125 "no option '--host'" --host 2 -- true
expect 125 'needs --one' --hosts 3 -- true
expect 125 'needs a terminal'
# shellcheck disable=SC2016 # shells in the guest expand them
expect 7 'host1 in namespace' --one -- sh -c 'on host1 sh -c "echo \$(hostname) in namespace \$(ip netns identify) >&2; exit 7"'
# shellcheck disable=SC2016
expect 9 "no host 'host9'" -- sh -c 'on host9 true; [ $? = 1 ] && on host1 sh -c "[ \$(hostname) = host1 ] && exit 9"'
expect 99 'ended with 3' -- sh -c 'on host1 sh -c "echo Call Trace: >/dev/kmsg"; exit 3'
expect 124 'killed after 8 s' --one --timeout 8 -- sleep 600
exit $failed

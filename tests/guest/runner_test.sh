#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest runner itself: exit statuses, output, and that a bad line in the kernel log is never missed.
set -u
guest=$1
failed=0

# expect STATUS PATTERN OPTIONS...: runs the guest, wants STATUS, and PATTERN in what it printed.
expect() {
	local want=$1 pattern=$2 output status
	shift 2
	output=$("$guest" "$@" 2>&1 </dev/null)
	status=$?
	if [ "$status" != "$want" ] || ! grep -q -- "$pattern" <<<"$output"; then
		printf 'FAILED: %s\n  status %s instead of %s, or no "%s" in:\n%s\n' "$*" "$status" "$want" "$pattern" "$output"
		failed=1
	fi
}

expect 0 'guest' -- hostname
expect 7 'to stderr' -- sh -c 'echo to stderr >&2; exit 7'
expect 0 'host2' --hosts 3 -- on host2 hostname
expect 0 '10.1.0.2' --nics 2 -- on host1 ip -br addr
expect 0 'mtu 9000' --mtu 9000 -- on host0 ip link show dm0
expect 0 'TCP data split:[[:space:]]*on' -- on host0 ethtool -g dm0
expect 0 'TCP data split:[[:space:]]*off' --no-header-split -- on host0 ethtool -g dm0
expect 1 "there is no host 'host9'" -- on host9 true
expect 0 'Read-only' -- sh -c '! touch /etc/x 2>&1'
# What reports of the debug kernel are made of.
expect 0 'handle_syscall' --flavour debug -- cat /proc/self/stack
expect 0 'dm7' -- sh -c 'ip link add dm7 type dmnic peer name dm8 && ip -br link show dm7 && ip link del dm8 && ! ip link show dm7'
for line in 'WARNING: CPU: 0' 'BUG: KASAN: use-after-free' 'INFO: task x blocked for more' 'possible recursive locking' 'stalled pool shutdown'; do
	expect 99 "$line" -- sh -c "echo '$line' >/dev/kmsg"
done
expect 99 'ended with 3' -- sh -c 'echo "Call Trace:" >/dev/kmsg; exit 3'
expect 124 'killed after 3 s' --timeout 3 -- sleep 60
expect 0 'host2' --machines --hosts 3 -- on host1 on host2 hostname
expect 99 'WARNING: CPU: 0' --machines --hosts 3 -- on host2 sh -c "echo 'WARNING: CPU: 0' >/dev/kmsg"
expect 125 'host2 ended before its time' --machines --hosts 3 -- sh -c 'on host2 guest-poweroff; sleep 60'
expect 125 'at most eight' --machines --hosts 9 -- true
expect 125 "no option '--host'" --host 2 -- true
expect 125 'at least two hosts' --hosts 1 -- true
expect 125 'no flavour' --flavour fast -- true
expect 125 'needs a terminal'
exit $failed

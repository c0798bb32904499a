#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the first of two guests that are kernels of their own, joined by stacked dmnics: every byte right, device memory at both ends.
#
# machines.sh [BYTES]: how much each transfer carries.
set -eu

bytes=${1:-60000003}
port=5000
fail() { echo "FAILED: $*" >&2; exit 1; }

# counter HOST NAME: its sum over the queues of dm0.
counter() { on "$1" ethtool -S dm0 | awk -v name="_$2:" '$1 ~ "^[rt]x[0-9]+" name "$" { sum += $2 } END { print sum + 0 }'; }

# transfer ADDRESS OPTIONS-OF-THE-SERVER... -- OPTIONS-OF-THE-CLIENT...: devmemcat on host1 waits, that of host0 connects.
transfer() {
	local address=$1 server=() try
	shift
	while [ "$1" != -- ]; do
		server+=("$1")
		shift
	done
	shift
	port=$((port + 1))
	on host1 devmemcat -w 60 -l "$address" $port --validate "${server[@]}" </dev/null &
	for try in $(seq 200); do
		on host1 ss -Hltn "sport = :$port" | grep -q . && break
		[ "$try" != 200 ] || fail "devmemcat on host1 does not listen"
		sleep 0.1
	done
	devmemcat -w 60 "$address" $port --validate "$@" </dev/null || fail "the client ended with $?"
	wait $! || fail "the server ended with $?"
}

for address in 10.0.0.2 fd00:0::2; do
	echo "== host0 sends to $address"
	transfer "$address" --recv-only --expect "$bytes" -- --send-only --bytes "$bytes"
	echo "== $address sends to host0"
	transfer "$address" --send-only --bytes "$bytes" -- --recv-only --expect "$bytes"
	echo "== both at once, $address"
	transfer "$address" --bytes "$bytes" --expect "$bytes" -- --bytes "$bytes" --expect "$bytes"
done
for host in host0 host1; do
	echo "$host: $(counter $host devmem_bytes) bytes to and from device memory, $(counter $host linear_bytes) in host memory on a bound queue"
	[ "$(counter $host devmem_bytes)" -ge $((8 * bytes)) ] || fail "$host moved less by device memory than was sent and received"
	[ "$(counter $host linear_bytes)" = 0 ] || fail "$host received payload in host memory"
done

# On a veth, since the card of this kernel cannot be opened twice.
echo '== the device below goes down and comes back, and goes away'
state() { until ip link show above | grep -q "$1"; do sleep 0.05; done; }
ip link add below type veth peer name far
ip link set far up
ip link set below up
ip link add link below name above type dmnic
ip link set above up
state 'state UP'
ip link set far down
state NO-CARRIER
ip link set far up
state 'state UP'
ip link set below down
state NO-CARRIER
ip link set below up
state 'state UP'
! ip link add link below name second type dmnic 2>/dev/null || fail 'two dmnics on one device'
! ip link add link lo name second type dmnic 2>/dev/null || fail 'a dmnic on lo'
ip link del below
! ip link show above 2>/dev/null || fail 'the dmnic outlived the device below it'
echo done

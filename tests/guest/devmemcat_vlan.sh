#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside a guest: devmemcat on a VLAN binds and steers the NIC below, and every byte it receives is in device memory.
set -eu

bytes=5000003
fail() { echo "FAILED: $*" >&2; exit 1; }
received() { on host1 ethtool -S dm0 | awk '$1 ~ "^rx[0-9]+_devmem_bytes:" { sum += $2 } END { print sum + 0 }'; }

for h in 0 1; do
	on host$h ip link add link dm0 name dm0.5 type vlan id 5
	on host$h ip addr add 10.77.0.$((h + 1))/24 dev dm0.5
	on host$h ip link set dm0.5 up
done
on host1 devmemcat -w 60 -i dm0.5 --exporter udmabuf --recv-only --expect $bytes --validate -l 10.77.0.2 4000 </dev/null &
for try in $(seq 200); do
	on host1 ss -Hltn 'sport = :4000' | grep -q . && break
	[ "$try" != 200 ] || fail 'devmemcat on host1 does not listen'
	sleep 0.1
done
on host0 devmemcat -w 60 -i dm0.5 --exporter udmabuf --send-only --validate --bytes $bytes 10.77.0.2 4000 2>/tmp/err </dev/null || fail "the client ended with $?: $(cat /tmp/err)"
wait $! || fail "the server ended with $?"
[ "$(received)" -ge $bytes ] || fail "$(received) of $bytes bytes went to device memory"
grep -q 'on top of dm0' /tmp/err || fail "the client did not say why it sends from host memory: $(cat /tmp/err)"

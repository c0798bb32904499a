#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: the examples, as they were built by a user, with each other and with other programs.
set -eu

out=$DEVMEM_BUILD/examples
export LD_LIBRARY_PATH=$out/root/lib:$LD_LIBRARY_PATH
cd /tmp
fail() { echo "examples: $*"; cat /tmp/*.err; exit 1; }

# port FILE: the number that the server has told.
port() {
	local try
	for try in $(seq 100); do
		[ ! -s "$1" ] || { head -n 1 "$1"; return; }
		sleep 0.05
	done
	fail "after $try tries $1 is empty"
}

echo 'from device memory to device memory'
on host1 "$out/receive" dm0 >receive.out 2>receive.err &
server=$!
on host0 "$out/send" dm0 10.0.0.2 "$(port receive.err)" 2>send.err || fail 'send'
wait $server || fail 'receive'
grep -x '67108864 bytes in device memory, 0 with the headers, 0 in host memory' receive.out || { cat receive.out; fail 'bytes are elsewhere'; }

echo 'echoed to an ordinary netcat'
head -c 20000003 /dev/urandom >data
on host1 "$out/echo" dm0 2>echo.err &
server=$!
on host0 nc.openbsd -N 10.0.0.2 "$(port echo.err)" <data >back || fail 'netcat'
wait $server || fail 'echo'
cmp data back || fail 'other bytes came back'

[ "$(on host1 ethtool -n dm0 | grep -c '^Filter:')" = 0 ] || fail 'a rule was left'

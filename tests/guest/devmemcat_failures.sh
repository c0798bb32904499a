#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: devmemcat when something is refused, breaks or is killed. It must end, say why, and leave the NIC as it was found.
# shellcheck disable=SC2317 # conditions are called by await
set -u
# shellcheck source=tests/guest/devmemcat_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemcat_lib.sh"

nc=nc.openbsd
random "$size" >data
on host1 ethtool -N dm0 flow-type tcp4 dst-port 4999 action 2 >/dev/null
remember

# What is refused before anything is set up: nothing for a kernel with debugging to see.
refusals() {
	test_case 'wrong usage ends with 2'
	expect 2 'PORT to listen on' devmemcat -l
	expect 2 'HOST before the port' devmemcat 5000
	expect 2 'one word too many' devmemcat a b c
	expect 2 "queue 'x'.*such as 3 or 4-7" devmemcat -l --queue x 5000
	expect 2 'queue 0' devmemcat -l --queue 0-3 5000
	expect 2 'auto, host, udmabuf, dmvram, cuda' devmemcat -l --exporter gpu 5000
	expect 2 'exclude each other' devmemcat --send-only --recv-only h 1
	expect 2 'give that too' devmemcat --bytes 5 h 1
	expect 2 'a size such as' devmemcat --validate --bytes 5X h 1
	expect 2 'from 1 to' devmemcat -w 0 h 1

	test_case 'set-up that is refused ends with 4'
	expect 4 "no interface 'dm9'.*ip -br link" on host1 devmemcat -i dm9 -l 5000
	expect 4 "interface 'dm9'" on host0 devmemcat -i dm9 10.0.0.2 5000
	expect 4 'no rx queue 99: its queues are 0 to 7.*ethtool -L' on host1 devmemcat --queue 99 -l 10.0.0.2 5000
	expect 4 'eth0 is not a NIC with header split.*--interface' on host1 devmemcat -l 172.30.0.2 5000
	expect 4 'eth0 is not a NIC with header split' on host1 devmemcat -i eth0 -l 5000
	expect 4 'no interface has the address of 10.9.9.9' on host1 devmemcat -l 10.9.9.9 5000
	expect 4 'libcuda' on host1 devmemcat --exporter cuda -l 5000
	expect 4 'cannot feed 1 rx ring.*--pool [0-9]+ or more' on host1 devmemcat --pool 1 -l 5000
	expect 4 'no free rx queue' on host1 devmemcat --queues 8 -l 5000
	expect 4 'cannot make /sys/no' on host1 devmemcat --lease-dir /sys/no -l 5000
	expect 4 'CAP_NET_ADMIN.*--send-only' on host1 "${nobody[@]}" devmemcat -l 10.0.0.2 5000
	on host1 ethtool -K dm0 ntuple off
	expect 4 'ethtool -K dm0 ntuple on' on host1 devmemcat -l 10.0.0.2 5000
	expect 4 'no interface with an address has flow steering' on host1 devmemcat -l 5000
	on host1 ethtool -K dm0 ntuple on
	restored

	test_case 'connections that cannot be made end with 1'
	expect 1 'cannot connect to 10.0.0.2:5999: Connection refused.*listening' on host0 devmemcat 10.0.0.2 5999
	expect 1 'cannot find no.such.host' on host0 devmemcat no.such.host 5999
	expect 1 'no client came within 1 s' on host1 devmemcat -w 1 -l 10.0.0.2 5000
	expect 1 'no route to 192.0.2.1.*ip route get' on host0 devmemcat 192.0.2.1 5000
	on host1 $nc -l 10.0.0.2 "$port" >out &
	peer=$!
	await_port host1 "$port"
	expect 1 'cannot listen on 10.0.0.2.*Address already in use; ss -tlnp' on host1 devmemcat -l 10.0.0.2 "$port"
	kill $peer
	wait $peer 2>/dev/null
	restored
}

chmod 666 /dev/udmabuf
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all)
[ -n "${DEVMEM_BRIEF:-}" ] || refusals

test_case 'a queue that another process has leased, or bound without a lease'
address=10.0.0.2 serve host1 --queue 5
expect 4 'queue 5 of dm0 is leased by another' on host1 devmemcat --queue 5 -l 10.0.0.2 4000
kill "$server"
ended "$server" 143 'Terminated'
address=10.0.0.2 serve host1 --lease-dir /run/others
on host1 devmemcat -v -d --json=json -l 10.0.0.2 4001 >out 2>err2 &
second=$!
await_line 'listening.*rx queue 6' err2 $second
on host0 $nc -N 10.0.0.2 4001 <data
wait $second || fail "$(cat err2)"
same data out
received "$size"
kill "$server"
ended "$server" 143 'Terminated'
restored

arrived() { [ "$(stat -c %s out)" = "$size" ]; }
carrier() { on "$1" ip link show dm0 | grep -q 'state UP'; }
flows() { [ "$(stat -c %s out)" -gt "$size" ]; }

test_case 'SIGINT, SIGTERM and SIGHUP, before and during a transfer'
signals='INT TERM HUP'
[ -z "${DEVMEM_BRIEF:-}" ] || signals=TERM
for signal in $signals; do
	rm -f out
	address=10.0.0.2 serve host1 -d
	kill -s "$signal" "$server"
	ended "$server" $((128 + $(kill -l "$signal"))) 'ended before it was done'
	restored
	port=$((port + 1))
	address=10.0.0.2 serve host1 -d
	on host0 $nc 10.0.0.2 "$port" < <(cat data; exec cat /dev/zero) &
	peer=$!
	await flows
	kill -s "$signal" "$server"
	ended "$server" $((128 + $(kill -l "$signal"))) 'ended before it was done'
	kill $peer 2>/dev/null
	wait $peer 2>/dev/null
	restored
	port=$((port + 1))
done

test_case 'the sender is killed: the end comes early, and --expect tells'
address=10.0.0.2 serve host1 -d --expect 1G
on host0 $nc 10.0.0.2 "$port" < <(cat data; exec sleep 1000) &
peer=$!
await arrived
kill -9 $peer
wait $peer 2>/dev/null
ended "$server" 3 "received $size bytes, and 1073741824 were expected"
same data out
restored

test_case 'the receiver is killed'
on host1 $nc -l 10.0.0.2 "$port" >out &
peer=$!
await_port host1 "$port"
on host0 devmemcat 10.0.0.2 "$port" < <(cat data; exec cat /dev/zero) 2>err &
client=$!
await test -s out
kill -9 $peer
wait $peer 2>/dev/null
ended $client 1 'failed after [0-9]+ bytes: .*(gone|without a close)'
restored

test_case 'the other side falls silent'
address=10.0.0.2 serve host1 -d -w 2
on host0 $nc 10.0.0.2 "$port" < <(cat data; exec sleep 1000) &
peer=$!
await arrived
on host0 ip link set dm0 down
ended "$server" 1 'nothing moved for 2 s|not answer'
kill $peer
wait $peer 2>/dev/null
on host0 ip link set dm0 up
on host0 ip addr add fd00:0::1/64 dev dm0 nodad 2>/dev/null
on host1 $nc -l 10.0.0.2 $((port + 1)) >out &
peer=$!
await_port host1 $((port + 1))
await carrier host0
on host0 devmemcat -w 2 10.0.0.2 $((port + 1)) < <(cat data; exec cat /dev/zero) 2>err &
client=$!
await test -s out
on host1 ip link set dm0 down
ended $client 1 'not answer|nothing moved'
kill $peer
wait $peer 2>/dev/null
on host1 ip link set dm0 up
on host1 ip addr add fd00:0::2/64 dev dm0 nodad 2>/dev/null
await carrier host0
restored

test_case 'stdout that is closed or full'
on host1 devmemcat -v -d -l 10.0.0.2 "$port" 2>err | head -c 1000 >/dev/null &
peer=$!
await_port host1 "$port"
on host0 $nc 10.0.0.2 "$port" < <(cat data; exec cat /dev/zero)
wait $peer
grep -q 'cannot write to stdout.*Broken pipe' err || fail "$(cat err)"
port=$((port + 1))
on host1 devmemcat -d -l 10.0.0.2 "$port" 2>err >/dev/full &
server=$!
await_port host1 "$port"
on host0 $nc -N 10.0.0.2 "$port" <data
ended $server 1 'cannot write to stdout after 0 bytes: No space left'
restored

test_case 'kill -9: the next one on the NIC clears up'
address=10.0.0.2 serve host1
kill -9 "$server"
wait "$server" 2>/dev/null
on host1 ethtool -n dm0 | grep -q "Dest port: $port" || fail 'the rule of the dead is gone already'
port=$((port + 1))
address=10.0.0.2 serve host1 -d
[ "$(on host1 ethtool -n dm0 | grep -c 'Dest port')" = 2 ] || fail "rules: $(on host1 ethtool -n dm0)"
on host0 $nc -N 10.0.0.2 "$port" <data
ended "$server" 0 connected
same data out
restored

test_case 'two at once: header split goes off with the last'
address=10.0.0.2 serve host1
first=$server
cp err err.first
port=$((port + 1))
address=10.0.0.2 serve host1
kill "$first"
wait "$first"
on host1 ethtool -g dm0 | grep -q 'TCP data split:[[:space:]]*on' || fail 'header split went off under the second'
on host0 $nc -N 10.0.0.2 "$port" <data
ended "$server" 0 connected
same data out
restored

test_case 'without privilege: sends from device memory'
on host1 $nc -l 10.0.0.2 "$port" </dev/null >out &
peer=$!
await_port host1 "$port"
chmod 644 data
chmod 755 .
on host0 "${nobody[@]}" devmemcat --send-only --json 10.0.0.2 "$port" <data 2>json || fail "$(cat json)"
wait $peer
same data out
sent "$size"

test_case '--no-setup: a NIC that was set up beforehand, or host memory'
on host1 header-split dm0 on
on host1 ethtool -N dm0 flow-type tcp4 dst-port $port action 5 >/dev/null
settings host1 >before.own
address=10.0.0.2 serve host1 -d --no-setup --queue 5
on host0 $nc -N 10.0.0.2 "$port" <data
ended "$server" 0 'rx queue 5'
same data out
received "$size"
settings host1 | diff before.own - || fail 'settings were touched'
port=$((port + 1))
address=10.0.0.2 serve host1 -d --no-setup
on host0 $nc -N 10.0.0.2 "$port" <data
ended "$server" 0 'into host memory'
same data out
[ "$(value rx_plain)" = "$size" ] || fail "rx_plain $(value rx_plain)"
port=$((port + 1))
address=10.0.0.2 serve host1 -d --exporter host
on host0 devmemcat --exporter host --json=json.client 10.0.0.2 "$port" <data 2>err.client || fail "$(cat err.client)"
ended "$server" 0 'memory: host'
same data out
grep -q "\"tx_plain\": $size," json.client || fail "$(cat json.client)"
settings host1 | diff before.own - || fail 'settings were touched'
finish

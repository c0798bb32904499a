#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: devmemcat against netcat-openbsd and against itself, both roles and both directions, to the byte and through device memory.
set -u
# shellcheck source=tests/guest/devmemcat_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemcat_lib.sh"

nc=nc.openbsd
random "$size" >data
# An administrator's rule must be left alone, and header split be off again.
on host1 ethtool -N dm0 flow-type tcp4 dst-port 4999 action 2 >/dev/null
remember

nc_to_server() {	# HOST1'S ADDRESS
	test_case "nc sends to devmemcat -l $1"
	address=$1 serve host1 -d --expect "$size"
	on host0 $nc -N "$1" "$port" <data || fail "nc ended with $?"
	ended "$server" 0 connected
	same data out
	received "$size"
	restored
}
nc_to_client() {	# HOST0'S ADDRESS
	local peer
	test_case "nc -l $1 sends to devmemcat"
	on host0 $nc -N -l "$1" "$port" <data >/dev/null &
	peer=$!
	await_port host0 "$port"
	on host1 devmemcat -v -d --json=json "$1" "$port" >out 2>err || fail "$(cat err)"
	wait $peer || fail "nc ended with $?"
	same data out
	received "$size"
	restored
}
client_to_nc() {	# HOST1'S ADDRESS
	local peer
	test_case "devmemcat sends to nc -l $1"
	on host1 $nc -l "$1" "$port" </dev/null >out &
	peer=$!
	await_port host1 "$port"
	on host0 devmemcat -v --json=json "$1" "$port" <data 2>err || fail "$(cat err)"
	wait $peer || fail "nc ended with $?"
	same data out
	sent "$size"
	restored
}
server_to_nc() {	# HOST0'S ADDRESS
	test_case "devmemcat -l $1 sends to nc"
	ln -s data in
	address=$1 serve host0
	on host1 $nc "$1" "$port" </dev/null >back || fail "nc ended with $?"
	ended "$server" 0 connected
	same data back
	sent "$size"
	restored
}

link_local() { on "$1" ip -6 -br addr show dev dm0 | grep -o 'fe80[^/]*'; }

pairs=('10.0.0.1 10.0.0.2' 'fd00:0::1 fd00:0::2' "$(link_local host0)%dm0 $(link_local host1)%dm0")
[ -z "${DEVMEM_BRIEF:-}" ] || pairs=("${pairs[1]}")
for pair in "${pairs[@]}"; do
	nc_to_server "${pair#* }"
	client_to_nc "${pair#* }"
	nc_to_client "${pair% *}"
	server_to_nc "${pair% *}"
done

test_case 'two devmemcats send to each other at once'
random "$((size / 2 + 1))" >reply
ln -s data in
address=10.0.0.2 serve host1
on host0 devmemcat --json=json.client 10.0.0.2 "$port" <reply >back 2>err.client || fail "$(cat err.client)"
ended "$server" 0 connected
same data back
same reply out
received "$((size / 2 + 1))"
sent "$size"
mv json.client json
received "$size"
sent "$((size / 2 + 1))"
restored

test_case 'no address: the NIC that can be steered, the one named, and IPv6'
for options in '' '-i dm0' '-6'; do
	port=$((port + 1))
	rm -f out err
	# shellcheck disable=SC2086 # options are words
	on host1 devmemcat -v -d --json=json $options -l "$port" >out 2>err &
	server=$!
	await_line listening err $server
	to=10.0.0.2
	[ "$options" != -6 ] || to=fd00:0::2
	on host0 $nc -N "$to" "$port" <data || fail "nc ended with $?"
	ended $server 0 'listening on .*dm0, rx queue 7'
	same data out
	received "$size"
done
restored

test_case 'several queues, and queues that are named'
for options in '--queues 3 7' '--queue 4-5 4' '--queue 2,6 2'; do
	port=$((port + 1))
	# shellcheck disable=SC2086 # options are words
	address=10.0.0.2 serve host1 -d ${options% *}
	on host0 $nc -N 10.0.0.2 "$port" <data || fail "nc ended with $?"
	ended "$server" 0 "receives by rx queue ${options##* } of dm0"
	same data out
	received "$size"
	[ "$(value rx_queue)" = "${options##* }" ] || fail "rx_queue $(value rx_queue)"
done
restored

test_case 'the pattern, in both directions'
address=10.0.0.2 serve host1 --validate=7 --bytes 3000001
on host0 devmemcat --validate=7 --bytes "$size" --expect 3000001 10.0.0.2 "$port" </dev/null 2>err.client || fail "$(cat err.client)"
ended "$server" 0 connected
received "$size"
sent 3000001

test_case 'a byte that is wrong is found, with its place'
on host1 $nc -l 10.0.0.2 "$port" </dev/null >bad &
peer=$!
await_port host1 "$port"
on host0 devmemcat --send-only --validate=7 --bytes 2M 10.0.0.2 "$port" 2>err || fail "$(cat err)"
wait $peer
[ "$(stat -c %s bad)" = 2097152 ] || fail "$(stat -c %s bad) bytes came"
byte=$(od -An -tu1 -j1234567 -N1 bad)
# shellcheck disable=SC2059 # the format is the byte
printf "\\$(printf %03o $((byte ^ 4)))" | dd of=bad bs=1 seek=1234567 conv=notrunc status=none
port=$((port + 1))
address=10.0.0.2 serve host1 --validate=7
on host0 $nc -N 10.0.0.2 "$port" <bad
ended "$server" 3 'wrong data: the byte at offset 1234567 is 0x'
port=$((port + 1))
address=10.0.0.2 serve host1 --validate=8
on host0 devmemcat --validate=7 --bytes 1M 10.0.0.2 "$port" 2>/dev/null
ended "$server" 3 'offset 0 is 0x.*seeds'
restored

test_case 'half-close: the answer is made when the end of the question has come'
mkfifo answer
# shellcheck disable=SC2094 # a fifo
# The answer's writer is there from the start, or devmemcat would see the end of its input before the answer comes.
on host1 devmemcat --no-stats -l 10.0.0.2 "$port" <answer 2>err | { exec 8>answer; wc -c >count; cat reply >&8; } &
peer=$!
await_port host1 "$port"
on host0 $nc -N 10.0.0.2 "$port" <data >back &
client=$!
wait $peer || fail "the pipeline ended with $?: $(cat err)"
wait $client || fail "nc ended with $?: $(cat err)"
[ "$(cat count)" = "$size" ] || fail "$(cat count) bytes of the question came"
same reply back
restored

test_case '--quit does not wait for a peer that stays'
mkfifo never
exec 9<>never
on host1 $nc -l 10.0.0.2 "$port" <&9 >out &
peer=$!
await_port host1 "$port"
on host0 devmemcat -q 0 10.0.0.2 "$port" <data >/dev/null 2>err || fail "$(cat err)"
exec 9>&-
wait $peer
same data out

test_case 'a slow consumer: nothing is lost, and nothing is kept'
mkfifo slow
while head -c 2M >piece && [ -s piece ]; do cat piece; sleep 0.05; done <slow >out &
consumer=$!
on host1 devmemcat -v -d --pool 16 --json=json -l 10.0.0.2 "$port" >slow 2>err &
server=$!
await_line listening err $server
on host0 $nc -N 10.0.0.2 "$port" < <(cat data data data)
ended $server 0 connected
wait $consumer
cat data data data | cmp - out || fail 'the consumer got other bytes'
received $((3 * size))
restored
finish

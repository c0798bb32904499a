#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# devmemcat_serve.sh MEMORY WAY, inside the guest: devmemcat --serve on host0 and ordinary HTTP clients on host1; WAY is device, or host where the NIC cannot send
# device memory.
set -u
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tests/guest/devmemcat_lib.sh
. "$here/devmemcat_lib.sh"

memory=$1 way=$2
client() { on host1 /usr/bin/python3 "$here/http_clients.py" "10.0.0.1:$port" "$dir/files" "$@" >bytes || fail "client $*"; }

mkdir -p files/deep/er
for one in 0 1 4095 4096 131072 131073 1000003 16777216 67108864; do random $one >files/$one; done
random 300001 >'files/deep/er/with space %#?'
ln -s ../4096 files/deep/link
ln -s /etc/passwd files/outside

# start OPTIONS...: the server on host0; sets "$server".
start() {
	rm -f err json
	on host0 devmemcat -v --exporter "$memory" --json=json "$@" --serve files 10.0.0.1 "$port" 2>err &
	server=$!
	await_line 'listening on' err "$server"
}
# stop BYTES: it ends well, and so many bytes of files went the way they should, and by no other.
stop() {
	local other=tx_host
	kill -TERM "$server"
	ended "$server" 0 'listening on'
	[ "$way" = device ] || other=tx_device
	[ "$(value "tx_$way")" = "$1" ] || fail "tx_$way is $(value "tx_$way") instead of $1"
	[ "$(value $other)" = 0 ] || fail "$other is $(value $other)"
	[ "$way" = host ] || [ "$1" = 0 ] || [ "$(value tx_completions)" -gt 0 ] || fail 'no completions'
	[ "$(grep -c 'sending from host memory, because: ' err)" = "$([ "$way" = device ] && echo 0 || echo 1)" ] || fail "warnings: $(cat err)"
}

test_case 'every file, one after another by one connection'
start
client each
stop "$(cat bytes)"
[ "$(value clients)" = 1 ] || fail "$(value clients) clients"

test_case 'what is there is told, and what is not is refused'
start
client refusals
stop "$(cat bytes)"

test_case 'ranges and HEAD'
start
client ranges
stop "$(cat bytes)"

test_case 'a file that is changed is read anew'
start
client change
stop "$(cat bytes)"

test_case 'files that were read once are sent from the cache'
start --cache 32M
client again
kill -USR1 "$server"
await test -s json
[ "$(value cache_misses)" = 128 ] || fail "$(value cache_misses) blocks of 16 MiB were read"
[ "$(value cache_hits)" = 384 ] || fail "$(value cache_hits) blocks were found"
rm json
stop "$(cat bytes)"

test_case '32 clients at once, a cache smaller than the files'
start --cache 16M
client many
stop "$(cat bytes)"
[ "$(value clients)" = 32 ] || fail "$(value clients) clients"

test_case 'clients that stall or vanish hold up nobody, and are dropped'
start --cache 16M -w 8
client rude
# shellcheck disable=SC2317 # await calls it
none_left() { kill -USR1 "$server"; sleep 0.2; [ "$(value clients_now)" = 0 ]; }
await none_left
dropped=$(value clients_dropped)
[ "$dropped" -ge 4 ] || fail "only $dropped clients were dropped"
kill -TERM "$server"
ended "$server" 0 'listening on'
[ "$way" = host ] || [ "$(value tx_host)" = 0 ] || fail "tx_host is $(value tx_host)"

test_case 'a signal lets a response end, a second one does not'
start
client signal_once "$server"
ended "$server" 0 'listening on'
start
client signal_twice "$server"
ended "$server" 0 'listening on'
finish

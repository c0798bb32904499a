#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: devmemget from devmemcat --serve, device memory at both ends; and as an ordinary user, by queues that devmemd leases.
set -u
# shellcheck source=tests/guest/devmemget_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemget_lib.sh"

objects=$dir/objects
make_objects "$objects" $((8 << 20)) $((32 << 20)) || exit 1
n=$(wc -l <"$objects/index")
total=$(cd "$objects" && xargs cat <index | wc -c)
remember

test_case 'from device memory to device memory'
on host0 devmemcat -v --exporter "$memory" --json=served --serve "$objects" 10.0.0.1 7000 2>serve.err &
server=$!
await_line 'listening on' serve.err "$server"
got --sha256 --index="$objects/index" --base="$(origin_of host0 7000)/" --part=1M
printed "$objects/sums"
all_by_device "$n" "$total" "$total"
kill -TERM "$server"
wait "$server" || fail "the server ended with $?: $(cat serve.err)"
mv served json
equals tx_device "$total"
equals tx_host 0
clean
restored

test_case 'an ordinary user, by devmemd'
chmod 666 /dev/udmabuf
[ ! -e /dev/dmvram ] || chmod 666 /dev/dmvram
chmod 755 "$dir"
serve_nginx host0 "$objects" 8081 || exit 1
on host1 devmemd --socket /run/devmemd/host1 --allow-user 1001 2>devmemd.err &
broker=$!
await_line serving devmemd.err "$broker"
install -d -o 1001 mine
rm -f json err
status=0
as_user=(nsenter --net=/run/netns/host1 setpriv --reuid 1001 --regid 1001 --clear-groups --inh-caps=-all --bounding-set=-all)
timeout -k 5 60 "${as_user[@]}" devmemget -e "$memory" --broker=/run/devmemd/host1 --json=mine/json --sha256 --connections=8 --queues=2 \
	--index="$objects/index" --base="$(origin_of host0 8081)/" >out 2>err || status=$?
[ "$status" = 0 ] || fail "ended with $status: $(cat err)"
cp mine/json json
printed "$objects/sums"
all_by_device "$n" "$total" "$total"
grep -q 'user 1001, process .*: leased 2 rx queue' devmemd.err || fail "no lease: $(cat devmemd.err)"
clean

test_case 'a user whom devmemd does not know'
status=0
timeout -k 5 60 "${as_user[@]/1001/1004}" devmemget -e "$memory" --broker=/run/devmemd/host1 "$(origin_of host0 8081)/0001-1" >out 2>err || status=$?
said 4 "$status" 'devmemd does not lease queues to user 1004'
kill "$broker"

test_case 'whole URLs in a file need no --base'
sed "s|^|$(origin_of host0 8081)/|" "$objects/index" >urls
rm -f json
on host1 devmemget -e "$memory" --json=json --sha256 --index=urls >out 2>err || fail "ended with $?: $(cat err)"
printed "$objects/sums"
clean
restored
finish

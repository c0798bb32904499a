#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: objects of nginx, lighttpd and Python's server by devmemget, to the byte and through device memory. devmemget_test.sh [LARGEST [TOTAL]]
set -u
# shellcheck source=tests/guest/devmemget_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemget_lib.sh"

largest=${1:-$((8 << 20))} total=${2:-$((32 << 20))}
objects=$dir/objects
# /tmp is the guest's memory.
[ "$total" -le $((64 << 20)) ] || objects=$DEVMEM_OUT/objects
make_objects "$objects" "$largest" "$total" || { say 'cannot make the objects'; exit 1; }
n=$(wc -l <"$objects/index")
nginx=$(origin_of host0 8081) lighttpd=$(origin_of host0 8082)
serve_nginx host0 "$objects" 8081 || exit 1
serve_lighttpd host0 "$objects" 8082 || exit 1
serve_python host0 "$objects" 8083 || exit 1
remember

whole() {	# SERVER'S URL OPTIONS...
	local from=$1
	shift
	got --sha256 --index="$objects/index" --base="$from/" "$@"
	printed "$objects/sums"
	all_by_device "$n" "$total" "$total"
	clean
	restored
}

options=()
if [ "$total" -gt $((64 << 20)) ]; then
	limit=250
	options=(--window=$((largest + (64 << 20))))
fi
for server in nginx:8081 lighttpd:8082 python:8083; do
	test_case "all objects of ${server%:*}"
	whole "$(origin_of host0 "${server#*:}")" "${options[@]}"
	say "$(grep -E '"(seconds|cpu_s|requests|connects|retries)"' json)"
done

test_case 'without hashes nothing is read back'
got --index="$nginx/index" "${options[@]}"
[ ! -s out ] || fail "it printed $(head out)"
all_by_device "$n" "$total" 0
equals retries 0
if [ -n "${DEVMEM_BRIEF:-}" ] || [ "$total" -gt $((64 << 20)) ]; then
	finish
fi

test_case 'kept connections serve object after object'
whole "$nginx" --connections=2
at_most connects 2

test_case 'a server that ends a connection after three requests'
whole "$nginx/few" --connections=2

test_case 'queues, connections and parts of every number'
whole "$nginx" --queues=2 --connections=8
whole "$nginx" --connections=1
whole "$nginx" --part=64K --connections=4
[ "$(value requests)" -gt $((total / 65536)) ] || fail "$(value requests) requests are too few for parts of 64K"
whole "$lighttpd" --part=1M --connections=4
whole "$nginx/norange" --part=64K

test_case 'IPv6'
whole 'http://[fd00:0::1]:8081'

test_case 'redirects'
few=(0001-1 0004-4096 0007-1048579)
sums_of "$objects" "${few[@]}" >few
got --sha256 "${few[@]/#/$nginx/redirect/}"
printed few
equals redirects 3
got --sha256 "${few[@]/#/$nginx/relative/}"
printed few
equals redirects 6
clean

test_case 'a server that is held to a speed'
sums_of "$objects" 0006-100000 >one
got --sha256 "$nginx/slow/0006-100000"
printed one

test_case 'an S3 listing'
{
	echo '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><IsTruncated>false</IsTruncated>'
	printf '<Contents><Key>%s</Key><Size>0</Size></Contents>' "${few[@]}"
	echo '</ListBucketResult>'
} >"$objects/listing.xml"
got --sha256 --index="$nginx/listing.xml" --base="$nginx/"
printed few

test_case 'objects become files'
for name in 0000-0 0001-1 0007-1048579; do
	rm -f file
	got -o file "$nginx/$name"
	same "$objects/$name" file
	all_by_device 1 "$(bytes_of "$objects/$name")" "$(bytes_of "$objects/$name")"
done
mkdir files
got -o files/ --index="$nginx/index"
while read -r name; do
	same "$objects/$name" "files/$name"
done <"$objects/index"
all_by_device "$n" "$total" "$total"

test_case 'one object that is not there keeps no other from being fetched'
not_got 1 "^devmemget: $nginx/missing: .*404" --sha256 "$nginx/0001-1" "$nginx/missing" "$nginx/0004-4096" "$nginx/0007-1048579"
printed few
equals failed 1

test_case 'what cannot be fetched is told'
not_got 1 "^devmemget: $nginx/loop/x: .*[Rr]edirect" "$nginx/loop/x"
not_got 1 "^devmemget: $nginx/secure/x: .*https" "$nginx/secure/x"
not_got 1 "^devmemget: $nginx/broken: .*500" --tries=2 "$nginx/broken"
not_got 1 "^devmemget: http://10.0.0.1:9/x: .*refused" --tries=2 http://10.0.0.1:9/x
not_got 2 '.' --no-such-option "$nginx/0001-1"
not_got 2 '.'
not_got 2 '.' -o file "$nginx/0001-1" "$nginx/0004-4096"
clean
restored

test_case 'no device memory can be received'
not_got 4 '.' -i lo "$nginx/0001-1"
clean
finish

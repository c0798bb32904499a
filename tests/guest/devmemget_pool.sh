#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: devmemget with less memory than its objects: all are fetched, through a pool and a window that are full most of the time.
set -u
# shellcheck source=tests/guest/devmemget_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemget_lib.sh"

objects=$dir/objects
largest=$((12 << 20))
{
	for ((i = 0; i < 64; i++)); do
		echo $(((3 << 19) - 4097 * i))
	done
	echo $largest
	echo 1
} | make_sizes "$objects" || exit 1
n=$(wc -l <"$objects/index")
total=$(cd "$objects" && xargs cat <index | wc -c)
nginx=$(origin_of host0 8081)
serve_nginx host0 "$objects" 8081 || exit 1
remember

# bounded BYTES: the most that the process had in memory, what it was measured with and libraries included. Sanitizers take as much as they like.
bounded() {
	local kib
	kib=$(cat peak)
	say "at most $kib KiB in memory"
	[ -z "${ASAN_OPTIONS:-}${TSAN_OPTIONS:-}" ] || return 0
	[ $((kib << 10)) -le "$1" ] || fail "$kib KiB in memory, more than $(($1 >> 10))"
}

# A devmemget that writes the most that it had in memory, in KiB, to ./peak.
mkdir bin
cat >bin/devmemget <<-TEXT
	#!/usr/bin/python3
	import resource, subprocess, sys
	status = subprocess.call(['$(command -v devmemget)'] + sys.argv[1:])
	print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=open('$dir/peak', 'w'))
	sys.exit(status)
TEXT
chmod +x bin/devmemget
PATH=$dir/bin:$PATH

all() {	# OPTIONS...
	got --sha256 --index="$nginx/index" "$@"
	printed "$objects/sums"
	all_by_device "$n" "$total" "$total"
	clean
	restored
}

test_case "$((total >> 20)) MiB in 32 connections, through a pool of 3M and a window of 16M"
all --connections=32 --pool=3M --window=16M
bounded $((48 << 20))

test_case 'two queues, and parts that are larger than the pool'
all --connections=32 --queues=2 --pool=6M --window=16M --part=8M
bounded $((48 << 20))

test_case 'a window of the largest object'
all --connections=4 --pool=3M --window=12M
bounded $((48 << 20))

test_case 'a slow consumer'
all --connections=32 --pool=3M --window=16M --hold=20
bounded $((48 << 20))
[ "$(value seconds | cut -d . -f 1)" -ge 1 ] || fail "$n objects of which each was held 20 ms took $(value seconds) s"

test_case 'an object that is larger than the window is refused, and no other'
grep -v -- "-$largest$" "$objects/index" >others
grep -v -- "-$largest$" "$objects/sums" >sums
not_got 1 "^devmemget: $nginx/.*-$largest: .*window" --sha256 --index="$nginx/index" --connections=8 --pool=3M --window=8M
printed sums
equals failed 1
clean
restored
finish

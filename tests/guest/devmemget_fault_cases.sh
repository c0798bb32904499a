# shellcheck shell=bash disable=SC2154 # variables of those who source it
# SPDX-License-Identifier: BSD-3-Clause
# devmemget against a server that breaks, fault by fault: an object comes right or is refused with a reason. Sourced; needs devmemget_lib.sh, a folder $objects to make, and starts the server on host0.

patience=${patience:-3} # seconds without a byte
small=0000-5000 middle=0001-100000 large=0002-1048579 other=0003-300001
printf '%s\n' 5000 100000 1048579 300001 | make_sizes "$objects" || exit 1
origin=$(origin_of host0 8080)
serve_faults host0 "$objects" 8080 || exit 1
accepted=() # further hashes that are right, in the next judgement

hash_of() { sums_of "$objects" "$1" | cut -d ' ' -f 1; }

# no_wrong_hash NAME: every hash that was printed is the object's, or one of those accepted.
no_wrong_hash() {
	local hash
	while read -r hash _; do
		[[ " $(hash_of "$1") ${accepted[*]} " == *" $hash "* ]] || fail "the wrong hash $hash of $1 was taken for right"
	done <out
}

literally() { printf %s "$1" | sed 's/[][?.*+(){}|^$\\]/\\&/g'; } # TEXT as a regular expression

# judge WANTED FAULT NAME PATTERN OPTIONS...: WANTED is right, refused, or either.
judge() {
	local wanted=$1 fault=$2 name=$3 pattern=$4
	shift 4
	get --sha256 --timeout="$patience" "$@" "$origin/$fault/$name"
	no_wrong_hash "${name%%\?*}"
	case $wanted:$status in
	right:0 | either:0) [ "$(wc -l <out)" = 1 ] || fail "$fault/$name: it printed $(wc -l <out) hashes" ;;
	refused:1 | either:1) said 1 1 "^devmemget: $(literally "$origin/$fault/$name"): .*($pattern)"; [ ! -s out ] || fail "a hash of what was refused: $(cat out)" ;;
	*) fail "$fault/$name is to be $wanted, but the end is $status: $(cat err; tail -n 5 "$http_log")" ;;
	esac
	equals tokens_returned "$(value tokens_taken)"
	clean
	accepted=()
}
right() { local fault=$1 name=$2; shift 2; judge right "$fault" "$name" none "$@"; }
refused() { judge refused "$@"; }
either() { judge either "$@"; }

test_case 'connections that end early'
right die/20000 "$middle"
right die/100000 "$large" --tries=4
right die/20000 "$other" --part=64K --connections=4
refused die/0 "$middle" 'reset' --tries=3
right truncate/0 "$middle"
right truncate/1 "$middle"
right truncate/4096 "$middle"
right truncate/99999 "$middle"
right truncate/50000 "$large" --part=100K
refused always-truncate/50000 "$middle" 'end|clos|short|incomplete|bytes' --tries=3
right close "$large" --part=64K
right drop "$large" --part=64K --connections=2

test_case 'lengths and ranges that are not true'
refused too-long "$middle" 'contradict' --tries=3
refused too-short "$middle" 'contradict' --tries=3
refused wrong-range "$middle" '[Rr]ange' --part=16K --tries=2
refused wrong-range "$large" '[Rr]ange' --tries=2
right ignore-range "$middle" --part=16K --connections=4
right ignore-range "$large"
refused no-length "$middle" '[Ll]ength'
refused chunked "$middle" 'chunked|[Tt]ransfer-[Ee]ncoding'
refused gzip "$middle" 'gzip|[Ee]ncoding'

test_case 'bytes after the length are not taken for the next response'
get --sha256 --connections=1 --timeout="$patience" "$origin/too-short/$middle" "$origin/$small"
[ "$(sed -n "s|  $origin/$small\$||p" out)" = "$(hash_of "$small")" ] || fail "$small came wrong or not at all: $(cat out err)"
clean

test_case 'heads of every kind'
for length in 200 2048 4095 4096 4097 8192; do
	right "big-head/$length" "$small"
done
right big-head/4096 "$large" --part=64K
either big-head/65536 "$small" '[Hh]ead'
refused big-head/4194304 "$small" '[Hh]ead' --tries=2
right split-head "$small"
right split-head "$large" --part=256K
right 100 "$small"
right 100 "$large" --part=64K
refused garbage "$small" '.' --tries=2

test_case 'servers that are slow, or stop'
right slow "$middle"
right tiny "$large"
right stall/30000 "$middle"
refused stall/0 "$middle" 'time|[Nn]o byte|stall|seconds|s ' --tries=2

test_case 'servers that are busy'
right 503/2 "$middle"
refused 503/1000 "$middle" '503' --tries=2

# The second version: every bit is the other one. Octal, as tr takes it.
every='' opposite=''
for ((byte = 0; byte < 256; byte++)); do
	printf -v word '\\%03o' $byte
	every+=$word opposite=$word$opposite
done
inverted() { LC_ALL=C tr "$every" "$opposite" <"$objects/$1"; }
test_case 'objects that change while they are fetched'
for fault in change change-anyway; do
	for options in '' '--part=64K' '--part=64K --connections=4'; do
		# A query makes it another object to the server.
		name="$large?$fault$options"
		name=${name// /+}
		accepted=("$(inverted "$large" | sha256sum | cut -d ' ' -f 1)" "$(hash_of "$large")")
		# shellcheck disable=SC2086 # options are words
		either "$fault/50000" "$name" 'change|ETag|[Rr]ange|412' $options
	done
done
for options in '' '--part=64K'; do
	accepted=("$({ inverted "$other"; head -c 1000 "$objects/$other"; } | sha256sum | cut -d ' ' -f 1)")
	# shellcheck disable=SC2086
	right grow/50000 "$other?$options" $options
done

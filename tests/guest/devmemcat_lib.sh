# shellcheck shell=bash disable=SC2034,SC2317 # for those who source it
# SPDX-License-Identifier: BSD-3-Clause
# What the tests of devmemcat share: data, both ends of a transfer, checks of bytes, figures and NIC settings. Sourced.

dir=$(mktemp -d /tmp/devmemcat.XXXXXX)
cd "$dir" || exit 1
failures=0
address= # where serve listens
port=5000
size=${1:-20000003} # of most transfers; the script may be given another

say() { printf '%s\n' "$*"; }
fail() {
	say "FAILED: $current: $*"
	failures=$((failures + 1))
}
test_case() {
	current=$*
	port=$((port + 1))
	rm -f in out back err json
	say "-- $current"
}
finish() { say "$failures failures"; exit $((failures > 0)); }

# expect STATUS PATTERN COMMAND...: it ends with STATUS and says PATTERN; what it says is in err.
expect() {
	local want=$1 pattern=$2 status=0
	shift 2
	timeout -k 5 60 "$@" </dev/null >/dev/null 2>err || status=$?
	said "$want" "$status" "$pattern"
}

# said WANTED STATUS PATTERN: of a devmemcat whose stderr is err.
said() {
	if [ "$1" != "$2" ] || ! grep -qE -- "$3" err; then
		fail "status $2 instead of $1, or no '$3' in: $(cat err)"
	fi
}

same() {	# FILE FILE
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

random() { head -c "$1" /dev/urandom; }

# await COMMAND...: until it succeeds; a minute is taken for never.
await() {
	local try
	for try in $(seq 3000); do
		! "$@" || return 0
		sleep 0.02
	done
	fail "never: $*"
	return 1
}

# await_line PATTERN FILE PID: until FILE has the line or the process is gone.
await_line() {
	has_line_or_end() { grep -q -- "$1" "$2" 2>/dev/null || ! kill -0 "$3" 2>/dev/null; }
	await has_line_or_end "$@"
	grep -q -- "$1" "$2" || fail "it ended before it said '$1': $(cat "$2")"
}

listens() { on "$1" ss -Htln "sport = :$2" | grep -q .; }
await_port() { await listens "$@"; }	# HOST PORT

# value KEY: of the JSON figures.
value() { sed -n "s/^ *\"$1\": \([0-9.]*\),\{0,1\}$/\1/p" json; }

# received N, sent N: by way of device memory, all of it and nothing else.
received() {
	local key
	for key in rx_device rx_copied; do
		[ "$(value "$key")" = "$1" ] || fail "$key is $(value "$key") instead of $1"
	done
	for key in rx_linear rx_plain; do
		[ "$(value "$key")" = 0 ] || fail "$key is $(value "$key") instead of 0"
	done
	[ "$(value tokens_taken)" = "$(value tokens_returned)" ] || fail "tokens: $(grep tokens json)"
	[ "$1" = 0 ] || [ "$(value tokens_taken)" -gt 0 ] || fail "no tokens"
}
sent() {
	local key
	for key in tx_device tx_copied; do
		[ "$(value "$key")" = "$1" ] || fail "$key is $(value "$key") instead of $1"
	done
	[ "$(value tx_plain)" = 0 ] || fail "tx_plain is $(value tx_plain)"
	[ "$(value tx_completions)" -gt 0 ] || fail "no completions"
}

# settings HOST: everything of its NIC that devmemcat may change.
settings() {
	on "$1" ethtool -n dm0
	on "$1" ethtool -g dm0
	on "$1" ethtool -k dm0
	on "$1" ethtool -l dm0
}
remember() { settings host0 >before0; settings host1 >before1; }
restored() {
	local host
	for host in 0 1; do
		settings "host$host" | diff "before$host" - || fail "settings of host$host are not as they were found"
	done
}

# serve HOST OPTIONS...: devmemcat -l there, stdin from ./in if it exists, stdout to ./out; sets $server. Its address is in $address.
serve() {
	local host=$1 input=/dev/null
	shift
	[ ! -e in ] || input=in
	rm -f out err json # what an earlier one wrote is not to be taken for this one's words
	on "$host" devmemcat -v --json=json "$@" -l "$address" "$port" <"$input" >out 2>err &
	server=$!
	await_line listening err "$server"
}

# ended PID STATUS PATTERN: the devmemcat whose stderr is err.
ended() {
	local status=0
	wait "$1" || status=$?
	said "$2" "$status" "$3"
}

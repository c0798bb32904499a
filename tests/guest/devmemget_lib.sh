# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What the tests of devmemget share: a run of it on host1, and what its hashes, files, figures and remains must be. Sourced.

# shellcheck source=tests/guest/http_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/http_lib.sh"
# Last, as it leaves the folder.
# shellcheck source=tests/guest/devmemcat_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemcat_lib.sh"

memory=${DEVMEM_TEST_MEMORY:-udmabuf}
limit=60 # seconds of one run
page=4096
status=0

# get ARGUMENTS...: devmemget with these; words are in out and err, figures in json, its end in $status.
get() {
	rm -f out err json
	status=0
	timeout -k 5 "$limit" on host1 devmemget -e "$memory" -i dm0 --json=json "$@" </dev/null >out 2>err || status=$?
	[ "$status" -lt 124 ] || fail "devmemget $* ended with $status (124: it took $limit s): $(cat err)"
}

# got ARGUMENTS...: all is fetched.
got() {
	get "$@"
	[ "$status" = 0 ] || fail "devmemget $* ended with $status: $(cat err)"
}

# not_got STATUS PATTERN ARGUMENTS...: it ends with STATUS and says PATTERN.
not_got() {
	local want=$1 pattern=$2
	shift 2
	get "$@"
	said "$want" "$status" "$pattern"
}

# printed SUMS: out has these hashes of objects, and no others. A URL ends with the object's name.
printed() {
	sed 's|  .*/|  |' out | LC_ALL=C sort | diff <(LC_ALL=C sort "$1") - >differences || fail "other hashes than in $1: $(head -n 20 differences)"
}

# sums_of DIR NAME...: as they are in DIR/sums.
sums_of() {
	local objects=$1
	shift
	printf '  %s$\n' "$@" | grep -f - "$objects/sums"
}

bytes_of() { cat "$@" | wc -c; }

equals() {	# KEY VALUE
	[ "$(value "$1")" = "$2" ] || fail "$1 is '$(value "$1")' instead of $2"
}
at_most() {	# KEY VALUE
	[ "$(value "$1")" -le "$2" ] || fail "$1 is '$(value "$1")', more than $2"
}

# all_by_device OBJECTS BYTES READ_BACK: where every byte went when nothing was in the way.
all_by_device() {
	equals objects "$1"
	equals failed 0
	equals bytes "$2"
	equals placed "$2"
	equals read_back "$3"
	equals rx_linear 0
	equals rx_plain 0
	at_most body_read_back $((page * $(value responses)))
	[ "$(value rx_device)" -ge "$2" ] || fail "rx_device is $(value rx_device), less than $2"
	equals tokens_returned "$(value tokens_taken)"
	[ "$2" = 0 ] || [ "$(value tokens_taken)" -gt 0 ] || fail 'no tokens'
}

# clean: no rule is left on host1, and nothing bound to a queue.
clean() {
	local rules
	rules=$(on host1 ethtool -n dm0 | grep -c '^Filter:')
	[ "$rules" = 0 ] || fail "$rules rules were left"
	on host1 devmemctl status --interval 0.1 >bound 2>&1
	grep -q 'No rx queue has device memory bound' bound || fail "bound queues were left: $(cat bound)"
}

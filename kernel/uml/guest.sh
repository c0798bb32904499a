#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots the test kernel with hosts joined by dmnic networks and runs a command in it. guest.sh --help tells the options.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: ./dev guest [OPTIONS] [-- CMD [ARG...]]

Boots the User-Mode Linux test kernel and runs CMD in it, with the caller's folder and environment variables NCCL_* and DEVMEM_*;
without CMD, a shell. Its file system is this machine's, read-only; /tmp, /run, /root and /dev/shm are empty and writable.

  --hosts N           hosts, each a network namespace hostN with its own name (default 2); `on host0 CMD` runs CMD there
  --machines          each host a guest, a kernel of its own, 2 to 8: dm0 is a dmnic on top of a card, whose frames go to the other guest, or
                      to a switch where there are more than two; CMD runs on host0, `on host1 CMD` on another
  --nics K            dmnic networks: host h has 10.K.0.(h+1) and fd00:K::(h+1) on dmK (default 1)
  --queues Q          rx and tx queues of each NIC (default 8)
  --mtu M             of the dmnic networks (default 4148: 4096 bytes of payload with IPv4 and TCP timestamps)
  --rss N             queues that unsteered traffic is spread over (default 1; hardware's habit is all)
  --no-header-split   leave header split off
  --no-tx             NICs that cannot send device memory, as with a driver without bind-tx
  --flavour F         release, or debug: KASAN, lockdep, kmemleak (default $DEVMEM_FLAVOUR, else release)
  --timeout S         seconds until the guest is killed (default 300)
  --mem SIZE          memory of each guest (default 1G, debug 2G)
  --out DIR           where results go: $DEVMEM_OUT inside, with dmesg of this boot (default: a folder that is removed)

Exit status: CMD's; 99 when the kernel log holds a warning or worse (it is printed), 124 after the timeout, 125 when the guest could not start.
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(cd "$here/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=bad_log.sh
. "$here/bad_log.sh"
original=("$@")
machines='' hosts=2 nics=1 queues=8 mtu=4148 rss=1 split=1 tx=1 flavour=${DEVMEM_FLAVOUR:-release} timeout=300 mem='' out=''
die() { printf 'guest: %s\n' "$*" >&2; exit 125; }

while [ $# -gt 0 ]; do
	case $1 in
	--hosts) hosts=$2; shift ;;
	--machines) machines=1 ;;
	--nics) nics=$2; shift ;;
	--queues) queues=$2; shift ;;
	--mtu) mtu=$2; shift ;;
	--rss) rss=$2; shift ;;
	--no-header-split) split=0 ;;
	--no-tx) tx=0 ;;
	--flavour) flavour=$2; shift ;;
	--timeout) timeout=$2; shift ;;
	--mem) mem=$2; shift ;;
	--out) out=$2; shift ;;
	--help | -h) usage; exit 0 ;;
	--) shift; break ;;
	*) die "no option '$1': see guest --help" ;;
	esac
	shift
done
for number in "$hosts" "$nics" "$queues" "$mtu" "$rss" "$timeout"; do
	[[ $number =~ ^[0-9]+$ ]] || die "'$number' is not a number: see guest --help"
done
[ $# -gt 0 ] || [ -t 0 ] || die "a shell in the guest needs a terminal; give a command after --, see guest --help"
[ "$hosts" -ge 2 ] || die "--hosts $hosts: at least two hosts are needed"
[ -z "$machines" ] || [ "$hosts" -le 8 ] || die "--hosts $hosts: --machines are at most eight"
guests=1
[ -z "$machines" ] || guests=$hosts
[ -n "$mem" ] || { mem=1G; [ "$flavour" != debug ] || mem=2G; }

kernel=$("$here/build.sh" "$flavour") || die "no kernel"
build=${DEVMEM_BUILD:-$repo/build/release}
[ -x "$build/bin/guest-poweroff" ] || die "$build holds no build: ./dev build"
if [ -n "$machines" ] && [ -z "${DEVMEM_WIRED:-}" ]; then
	DEVMEM_WIRED=1 exec "$build/bin/guest-wires" "$guests" "$((nics + 1))" "$0" "${original[@]}"
fi

# The guest's memory is a file that the kernel maps executable.
scratch=''
for folder in "${TMPDIR:-/tmp}" /dev/shm /var/tmp; do
	if [ ! -w "$folder" ] || findmnt -no OPTIONS -T "$folder" | grep -qw noexec; then
		continue
	fi
	scratch=$(mktemp -d "$folder/devmem-guest.XXXXXX")
	break
done
[ -n "$scratch" ] || die "no folder to write to that is mounted without noexec: set TMPDIR"
pid='' others=() streams=()
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
	[ ${#others[@]} = 0 ] || kill -9 "${others[@]}" 2>/dev/null || true
	[ ${#streams[@]} = 0 ] || kill "${streams[@]}" 2>/dev/null || true
	# The kernel's helper processes notice the end of their parent a moment later.
	pkill -9 -f "umid=$(basename "$scratch")[.]?[0-9]* " 2>/dev/null || true
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ -n "$out" ] || out=$scratch/out
control=$scratch/control
mkdir -p "$out" "$scratch/uml" "$control"
out=$(cd "$out" && pwd)
rm -f "$out/status" "$out"/dmesg* "$out"/kmemleak*
: >"$out/stdout"
: >"$out/stderr"
[ "$guests" = 1 ] || dropbearkey -t ed25519 -f "$control/key" 2>/dev/null | grep '^ssh-' >"$control/key.pub" || die "dropbearkey is missing: apt-get install dropbear-bin"
{
	declare -p | grep -E '^declare -x (NCCL_|DEVMEM_|OMPI_MCA_|[AL]SAN_OPTIONS|TSAN_OPTIONS)' || true
	printf 'export DEVMEM_REPO=%q DEVMEM_BUILD=%q DEVMEM_CWD=%q\n' "$repo" "$build" "$PWD"
	printf 'DEVMEM_HOSTS=%q DEVMEM_NICS=%q DEVMEM_QUEUES=%q DEVMEM_MTU=%q DEVMEM_HEADER_SPLIT=%q DEVMEM_RSS=%q\n' "$hosts" "$nics" "$queues" "$mtu" "$split" "$rss"
	printf 'DEVMEM_GUESTS=%q\n' "$guests"
	printf 'DEVMEM_COMMAND=('
	[ $# = 0 ] || printf '%q ' "$@"
	printf ')\n'
} >"$control/settings"

# A guest has one processor, but consists of several processes of this machine, of which one at a time runs. On one processor they hand over without waking up
# another one, which takes several times as long as all else that a system call does. Guests that run side by side each take a processor while there are free ones, and
# share them evenly when there are none: nobody waits for a processor.
processors=()
for range in $(taskset -cp $$ | sed 's/.*: //; s/,/ /g'); do
	mapfile -t -O ${#processors[@]} processors < <(seq "${range%-*}" "${range#*-}")
done
first=$RANDOM
own_processor() {	# GUEST: sets processor, and keeps it to this guest until the end
	local lock
	for processor in "${processors[@]}"; do
		exec {lock}>>"/tmp/devmem-guest.$(id -u).cpu$processor"
		! flock -n "$lock" || return 0
		exec {lock}>&-
	done
	processor=${processors[(first + $1) % ${#processors[@]}]}
}

# kernel_of GUEST FOLDER: the array boot, a kernel whose results go to FOLDER.
kernel_of() {
	local k processor
	own_processor "$1"
	boot=(taskset -c "$processor" setarch -R "$kernel" "mem=$mem" "umid=$(basename "$scratch").$1" "uml_dir=$scratch/uml/" root=/dev/root rootfstype=hostfs ro "init=$here/init.sh"
		"devmem_guest=$1" "devmem_control=$control" "devmem_out=$2" "dmnic.netmem_tx=$tx" udmabuf.size_limit_mb=512 dmvram.size_mb=512 con=null)
	for ((k = 0; guests > 1 && k <= nics; k++)); do
		boot+=("vec$k:transport=fd,fd=$((100 * ($1 + 1) + k)),mac=02:00:00:00:0$1:$(printf %02x "$k"),mtu=$((k == 0 ? 1500 : mtu)),depth=128,gro=0")
	done
}

for ((guest = 1; guest < guests; guest++)); do
	mkdir "$scratch/out.$guest"
	kernel_of "$guest" "$scratch/out.$guest"
	TMPDIR=$scratch timeout -k 2 -s KILL "$((timeout + 5))" "${boot[@]}" con0=null,fd:1 </dev/null >"$scratch/console.$guest" 2>&1 &
	others+=($!)
done
kernel_of 0 "$out"
if [ $# = 0 ]; then
	TMPDIR=$scratch "${boot[@]}" con0=fd:0,fd:1 quiet
	exit "$(cat "$out/status" 2>/dev/null || echo 125)"
fi

TMPDIR=$scratch timeout -k 2 -s KILL "$timeout" "${boot[@]}" con0=null,fd:1 </dev/null >"$scratch/console" 2>&1 &
pid=$!
tail -q -n +1 -s 0.05 -f "$out/stdout" --pid=$pid &
streams+=($!)
tail -q -n +1 -s 0.05 -f "$out/stderr" --pid=$pid >&2 &
streams+=($!)
# Other guests end when host0 tells them to, with status 0; one that ends otherwise takes all with it.
check_end_of() {	# PID
	local i
	for i in "${!others[@]}"; do
		if [ "${others[i]}" = "$1" ] && [ "$(cat "$control/status.$((i + 1))" 2>/dev/null)" != 0 ]; then
			cat "$scratch/out.$((i + 1))/dmesg" "$scratch/console.$((i + 1))" >&2 2>/dev/null || true
			die "host$((i + 1)) ended before its time; its log is above"
		fi
	done
}
running=("${others[@]}" "$pid") ended=''
while [ "$ended" != "$pid" ]; do
	code=0
	wait -n -p ended "${running[@]}" 2>/dev/null || code=$?
	check_end_of "$ended"
	for i in "${!running[@]}"; do
		[ "${running[i]}" != "$ended" ] || unset "running[$i]"
	done
done
pid=''
wait "${streams[@]}" 2>/dev/null || true
streams=()

if [ ! -f "$out/status" ]; then
	cat "$scratch"/console* >&2
	[ "$code" = 137 ] && { printf 'guest: killed after %s s; the kernel log is above\n' "$timeout" >&2; exit 124; }
	die "the guest ended without a status; its console is above"
fi
status=$(cat "$out/status")
[ "$status" != 125 ] || { cat "$out/dmesg" "$scratch"/console* >&2; die "setting up the guest failed; its log is above"; }

[ ${#running[@]} = 0 ] || wait "${running[@]}" 2>/dev/null || true
others=()
for ((guest = 1; guest < guests; guest++)); do
	[ -f "$scratch/out.$guest/status" ] || { cat "$scratch/console.$guest" >&2; die "host$guest ended without a status; its console is above"; }
	cp "$scratch/out.$guest/dmesg" "$out/dmesg.$guest"
	[ ! -s "$scratch/out.$guest/kmemleak" ] || cp "$scratch/out.$guest/kmemleak" "$out/kmemleak.$guest"
done
# Each page of a process of the guest is a mapping of one of this machine.
if cat "$out"/dmesg* | grep -q 'UML ran out of memory on the host side'; then
	die "a process of the guest was killed, since it needs more mappings than this machine allows one (the command itself ended with $status): sysctl -w vm.max_map_count=262144"
fi
if cat "$out"/dmesg* | grep -qE "$bad" || cat "$out"/kmemleak* 2>/dev/null | grep -q .; then
	cat "$out"/dmesg* "$out"/kmemleak* >&2 2>/dev/null || true
	printf 'guest: the kernel log above has reports; the command itself ended with %s\n' "$status" >&2
	exit 99
fi
exit "$status"

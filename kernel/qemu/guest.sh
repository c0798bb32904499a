#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots Debian's stock 6.12 kernel in QEMU with our modules and runs a command there. guest.sh --help tells the options.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: ./dev qemu [OPTIONS] [-- CMD [ARG...]]

Boots Debian's unmodified 6.12 kernel in two QEMU guests, host0 and host1, joined by Ethernet, loads the modules of kernel/ and
runs CMD on host0 with the caller's folder and environment variables NCCL_* and DEVMEM_*; without CMD, a shell. Each host has dm0, a
dmnic on top of its network card, and memory of a PCI device. The file system is this machine's, read-only; /tmp, /run, /root and
/dev/shm are empty and writable. This kernel receives device memory and cannot send it.

  --one               one guest, with hosts and networks as in ./dev guest: network namespaces joined by pairs of dmnic
  --stock PACKAGE     instead: one guest on Debian's kernel of PACKAGE (linux-image-amd64) as it is, without our modules, hosts and networks
  --hosts N           hosts of --one (default 2); `on host1 CMD` runs CMD on another host, with and without --one
  --nics K            dmnic networks: host h has 10.K.0.(h+1) and fd00:K::(h+1) on dmK (default 1)
  --queues Q          rx and tx queues of each dmnic (default 8)
  --mtu M             of the dmnic networks (default 4148: 4096 bytes of payload with IPv4 and TCP timestamps)
  --rss N             queues that unsteered traffic is spread over (default 1)
  --no-header-split   leave header split off
  --cpus N            processors of each guest (default 1, with --one 2)
  --mem SIZE          memory of each guest (default 1G)
  --vram SIZE         memory of the PCI device of each guest (default 256M); guest h's lies in DIR/vram.h of --out, sparse
  --timeout S         seconds until the guests are killed (default 300)
  --out DIR           where results go: $DEVMEM_OUT inside, with dmesg.h of each guest (default: a folder that is removed)

$DEVMEM_QEMU_ACCEL is QEMU's -accel (default tcg,thread=multi; kvm where that works).
Exit status: CMD's; 99 when a kernel log holds a warning or worse (it is printed), 124 after the timeout, 125 when a guest could not start.
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(cd "$here/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../uml/bad_log.sh
. "$here/../uml/bad_log.sh"
guests=2 hosts=2 nics=1 queues=8 mtu=4148 rss=1 split=1 cpus='' mem=1G vram=256M timeout=300 out='' stock=''
boot_limit=90	# seconds; 5 are usual
die() { printf 'qemu: %s\n' "$*" >&2; exit 125; }

while [ $# -gt 0 ]; do
	case $1 in
	--one) guests=1 ;;
	--stock) stock=$2 guests=1; shift ;;
	--hosts) hosts=$2; shift ;;
	--nics) nics=$2; shift ;;
	--queues) queues=$2; shift ;;
	--mtu) mtu=$2; shift ;;
	--rss) rss=$2; shift ;;
	--no-header-split) split=0 ;;
	--cpus) cpus=$2; shift ;;
	--mem) mem=$2; shift ;;
	--vram) vram=$2; shift ;;
	--timeout) timeout=$2; shift ;;
	--out) out=$2; shift ;;
	--help | -h) usage; exit 0 ;;
	--) shift; break ;;
	*) die "no option '$1': see qemu --help" ;;
	esac
	shift
done
[ -n "$cpus" ] || cpus=$((3 - guests))
for number in "$hosts" "$nics" "$queues" "$mtu" "$rss" "$cpus" "$timeout"; do
	[[ $number =~ ^[0-9]+$ ]] || die "'$number' is not a number: see qemu --help"
done
[ $# -gt 0 ] || [ -t 0 ] || die "a shell in the guest needs a terminal; give a command after --, see qemu --help"
[ "$hosts" -ge 2 ] || die "--hosts $hosts: at least two hosts are needed"
[ "$guests" = 1 ] || [ "$hosts" = 2 ] || die "--hosts $hosts needs --one: there are two guests otherwise"
[ "$guests" = 1 ] || [ "$nics" -ge 1 ] || die "--nics $nics: at least one network is needed"

build=${DEVMEM_BUILD:-$repo/build/release}
[ -x "$build/bin/guest-poweroff" ] || die "$build holds no build: ./dev build"
if [ -n "$stock" ]; then
	kernel=$("$here/kernel.sh" "$stock") || die "no kernel"
	modules=
else
	kernel=$("$here/kernel.sh") || die "no kernel"
	modules=$("$here/modules.sh" "$kernel") || die "no modules"
fi
initrd=$("$here/initrd.sh" "$kernel") || die "no initramfs"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/devmem-qemu.XXXXXX")
control=$scratch/control
pids=() streams=()
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
	[ ${#pids[@]} = 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
	[ ${#streams[@]} = 0 ] || kill "${streams[@]}" 2>/dev/null || true
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
[ -n "$out" ] || out=$scratch/out
mkdir -p "$out"
out=$(cd "$out" && pwd)

# prepare CMD...: the folder by which guests are told what to do and tell what they did, as for a boot that never was.
prepare() {
	rm -rf "$control" "$out"/vram.* "$out"/dmesg.*
	mkdir "$control"
	: >"$control/stdout"
	: >"$control/stderr"
	dropbearkey -t ed25519 -f "$control/key" 2>/dev/null | grep '^ssh-' >"$control/key.pub"
	{
		declare -p | grep -E '^declare -x (NCCL|DEVMEM|OMPI_MCA)_' || true
		printf 'export DEVMEM_REPO=%q DEVMEM_BUILD=%q DEVMEM_CWD=%q\n' "$repo" "$build" "$PWD"
		printf 'DEVMEM_HOSTS=%q DEVMEM_NICS=%q DEVMEM_QUEUES=%q DEVMEM_MTU=%q DEVMEM_HEADER_SPLIT=%q DEVMEM_RSS=%q\n' "$hosts" "$nics" "$queues" "$mtu" "$split" "$rss"
		printf 'DEVMEM_GUESTS=%q DEVMEM_MODULES=%q\n' "$guests" "$modules"
		printf 'DEVMEM_COMMAND=('
		[ $# = 0 ] || printf '%q ' "$@"
		printf ')\n'
	} >"$control/settings"
}

# wire GUEST K: a card on network K, whose frames go to the other guest by datagrams.
wire() {
	local socket=$scratch/wire.$2
	devices+=(-netdev "dgram,id=net$2,local.type=unix,local.path=$socket.$1,remote.type=unix,remote.path=$socket.$((1 - $1))"
		-device "virtio-net-pci,netdev=net$2,mac=52:54:00:00:0$2:0$1,romfile=")
}

# start GUEST CONSOLE: adds to pids, or runs it in front when the console is stdio.
start() {
	local guest=$1 console=$2 k tag
	# shellcheck disable=SC2054 # the commas are QEMU's
	local devices=(-object "memory-backend-file,id=vram,share=on,mem-path=$out/vram.$guest,size=$vram" -device ivshmem-plain,memdev=vram)
	for tag in "root,path=/,readonly=on" "control,path=$control" "out,path=$out"; do
		devices+=(-fsdev "local,id=$tag,security_model=none,multidevs=remap" -device "virtio-9p-pci,fsdev=${tag%%,*},mount_tag=${tag%%,*}")
	done
	for ((k = 0; guests == 2 && k <= nics; k++)); do
		rm -f "$scratch/wire.$k.$guest"
		wire "$guest" "$k"
	done
	set -- qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -machine q35 -accel "${DEVMEM_QEMU_ACCEL:-tcg,thread=multi}" -cpu max \
		-smp "$cpus" -m "$mem" -serial "$console" "${devices[@]}" -kernel "$kernel/boot/vmlinuz-$(cat "$kernel/version")" -initrd "$initrd" \
		-append "console=ttyS0 loglevel=5 oops=panic panic=-1 mitigations=off udmabuf.size_limit_mb=512 devmem_guest=$guest devmem_init=$here/init.sh"
	if [ "$console" = mon:stdio ]; then
		"$@"
		return
	fi
	"$@" </dev/null >"$scratch/qemu.$guest" 2>&1 &
	pids+=($!)
}

# all_have WHAT: every guest has left its file WHAT.
all_have() {
	local h
	for ((h = 0; h < guests; h++)); do
		[ -e "$control/$1.$h" ] || return 1
	done
}

# await: until the guests have ended. 0: each told its status, 1: one did not come up, 2: one went down later, 3: the time is over.
await() {
	local start=$SECONDS guest ended
	while :; do
		ended=0
		for ((guest = 0; guest < guests; guest++)); do
			! kill -0 "${pids[guest]}" 2>/dev/null || continue
			ended=$((ended + 1))
			[ -e "$control/status.$guest" ] || { all_have ready && return 2 || return 1; }
		done
		[ $ended -lt "$guests" ] || return 0
		[ $((SECONDS - start)) -lt "$timeout" ] || return 3
		[ $((SECONDS - start)) -lt $boot_limit ] || all_have ready || return 1
		sleep 0.1
	done
}

stop() {
	[ ${#pids[@]} = 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
	wait "${pids[@]}" 2>/dev/null || true
	pids=()
	wait "${streams[@]}" 2>/dev/null || true
	streams=()
}

# run CMD...: boots the guests and waits for their end; what await tells.
run() {
	local guest code=0
	prepare "$@"
	for ((guest = 0; guest < guests; guest++)); do
		start "$guest" "file:$scratch/console.$guest"
	done
	tail -q -n +1 -s 0.05 -f "$control/stdout" --pid="${pids[0]}" &
	streams+=($!)
	tail -q -n +1 -s 0.05 -f "$control/stderr" --pid="${pids[0]}" >&2 &
	streams+=($!)
	await || code=$?
	stop
	return $code
}

show_logs() {
	local guest
	for ((guest = 0; guest < guests; guest++)); do
		printf 'qemu: host%d says:\n' "$guest"
		cat "$scratch/qemu.$guest" "$control/dmesg.$guest" 2>/dev/null || cat "$scratch/console.$guest" 2>/dev/null || true
	done >&2
}

if [ $# = 0 ]; then
	prepare
	[ "$guests" = 1 ] || start 1 "file:$scratch/console.1"
	start 0 mon:stdio
	exit "$(cat "$control/status.0" 2>/dev/null || echo 125)"
fi

code=0
run "$@" || code=$?
if [ $code = 1 ]; then
	# Emulated, this kernel fails to boot now and then; a second failure has another cause.
	printf 'qemu: a guest did not come up: trying once more\n' >&2
	code=0
	run "$@" || code=$?
fi
for ((guest = 0; guest < guests; guest++)); do
	! [ -e "$control/dmesg.$guest" ] || cp "$control/dmesg.$guest" "$out/"
done
case $code in
0) ;;
3) show_logs; printf 'qemu: killed after %s s; the logs are above\n' "$timeout" >&2; exit 124 ;;
*) show_logs; die "a guest ended without a status; the logs are above" ;;
esac
status=$(cat "$control/status.0")
[ "$status" != 125 ] || { show_logs; die "setting up the guests failed; their logs are above"; }
if cat "$control"/dmesg.* | grep -qE "$bad"; then
	show_logs
	printf 'qemu: the kernel logs above have reports; the command itself ended with %s\n' "$status" >&2
	exit 99
fi
exit "$status"

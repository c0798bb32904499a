#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's first process: mounts, hosts and networks, then the command; its exit status goes to $DEVMEM_OUT/status.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source-path=SCRIPTDIR source=hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"
# shellcheck source=machines.sh
. "$(dirname "$(readlink -f "$0")")/machines.sh"

mount_file_systems

# parameter NAME: its value on the kernel's command line.
parameter() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" /proc/cmdline; }

guest=$(parameter devmem_guest)
mkdir -p /run/control /run/bin
mount -t hostfs none /run/out -o "$(parameter devmem_out)"
mount -t hostfs none /run/control -o "$(parameter devmem_control)"
finish() {
	trap - ERR
	[ "$guest" != 0 ] || end_other_guests
	dmesg >/run/out/dmesg
	echo "$1" >/run/out/status
	echo "$1" >"/run/control/status.$guest"
	"${DEVMEM_BUILD:-/nowhere}/bin/guest-poweroff" || exec poweroff -f -d
}
# shellcheck disable=SC1091 # made at boot
. /run/control/settings || finish 125

# A tree below /root or /tmp was hidden by the mounts above.
for folder in "$DEVMEM_REPO" "$DEVMEM_BUILD" "$DEVMEM_CWD"; do
	[ -e "$folder" ] || { mkdir -p "$folder" && mount -r -t hostfs none "$folder" -o "$folder"; } || finish 125
done

# Cards are called vec0, vec1, ... here.
name_cards() {
	local k
	for ((k = 0; k <= DEVMEM_NICS; k++)); do
		ip link set "vec$k" name "eth$k"
	done
}

set -eE
trap 'finish 125' ERR
if [ "$DEVMEM_GUESTS" = 1 ]; then
	ln -s "$DEVMEM_REPO/kernel/uml/on" /run/bin/on
	set_environment guest
	make_hosts
else
	ln -s "$DEVMEM_REPO/kernel/uml/on-machines" /run/bin/on
	set_environment "host$guest"
	name_cards
	make_host
	serve_commands
	[ "$guest" != 0 ] || await_other_guests
fi
trap - ERR
set +eE

# What the debug flavour has found to be lost, to $DEVMEM_OUT/kmemleak.
check_leaks() {
	[ -e /sys/kernel/debug/kmemleak ] || return 0
	[ "$DEVMEM_GUESTS" != 1 ] || ip -all netns delete
	sleep 0.2
	echo scan >/sys/kernel/debug/kmemleak
	sleep 0.2
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak >/run/out/kmemleak
}

[ "$guest" = 0 ] || { read -r </run/finish; check_leaks; finish 0; }
cd "$DEVMEM_CWD" || finish 125
if [ ${#DEVMEM_COMMAND[@]} = 0 ]; then
	echo "$DEVMEM_HOSTS hosts: 'on host0 CMD' runs CMD on the first; exit ends the guest"
	setsid --ctty bash -i
	finish $?
fi
"${DEVMEM_COMMAND[@]}" </dev/null >/run/out/stdout 2>/run/out/stderr
status=$?
check_leaks
finish $status

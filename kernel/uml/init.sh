#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's first process: mounts, hosts and networks, then the command; its exit status goes to $DEVMEM_OUT/status.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source-path=SCRIPTDIR source=hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"

mount_file_systems

# The settings of this boot, written by guest.sh: the folder is known from the kernel's command line.
out=$(sed -n 's/.*devmem_out=\([^ ]*\).*/\1/p' /proc/cmdline)
mount -t hostfs none /run/out -o "$out"
finish() {
	dmesg >/run/out/dmesg
	echo "$1" >/run/out/status
	"${DEVMEM_BUILD:-/nowhere}/bin/guest-poweroff" || exec poweroff -f -d
}
# shellcheck disable=SC1091 # made at boot
. /run/out/settings || finish 125

# A tree below /root or /tmp was hidden by the mounts above.
for folder in "$DEVMEM_REPO" "$DEVMEM_BUILD" "$DEVMEM_CWD"; do
	[ -e "$folder" ] || { mkdir -p "$folder" && mount -r -t hostfs none "$folder" -o "$folder"; } || finish 125
done

set -eE
trap 'finish 125' ERR
set_environment guest
mkdir -p /run/bin
ln -s "$DEVMEM_REPO/kernel/uml/on" /run/bin/on
make_hosts
trap - ERR
set +eE

cd "$DEVMEM_CWD" || finish 125
if [ ${#DEVMEM_COMMAND[@]} = 0 ]; then
	echo "$DEVMEM_HOSTS hosts: 'on host0 CMD' runs CMD on the first; exit ends the guest"
	setsid --ctty bash -i
	finish $?
fi
"${DEVMEM_COMMAND[@]}" </dev/null >/run/out/stdout 2>/run/out/stderr
status=$?
if [ -e /sys/kernel/debug/kmemleak ]; then
	ip -all netns delete
	sleep 0.2
	echo scan >/sys/kernel/debug/kmemleak
	sleep 0.2
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak >/run/out/kmemleak
fi
finish $status

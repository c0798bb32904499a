#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A QEMU guest's first process: mounts, modules, hosts and networks; then the first guest runs the command, others wait for its end.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source-path=SCRIPTDIR source=../uml/hosts.sh
. "$(dirname "$(readlink -f "$0")")/../uml/hosts.sh"
# shellcheck source=../uml/machines.sh
. "$(dirname "$(readlink -f "$0")")/../uml/machines.sh"

mount_file_systems
guest=$(sed -n 's/.*devmem_guest=\([0-9]*\).*/\1/p' /proc/cmdline)
mkdir -p /run/control /run/bin
share() { mount -t 9p -o "$3,trans=virtio,version=9p2000.L,msize=512000,cache=none" "$1" "$2"; }

finish() {
	local h
	trap - ERR
	if [ "$guest" = 0 ]; then
		end_other_guests
	fi
	dmesg >"/run/control/dmesg.$guest"
	echo "$1" >"/run/control/status.$guest"
	"${DEVMEM_BUILD:-/nowhere}/bin/guest-poweroff" || exec poweroff -f -d
}
{ share control /run/control rw && share out /run/out rw; } || finish 125
# shellcheck disable=SC1091 # made at boot
. /run/control/settings || finish 125

# A tree below /root or /tmp was hidden by the mounts above.
for folder in "$DEVMEM_REPO" "$DEVMEM_BUILD" "$DEVMEM_CWD" ${DEVMEM_MODULES:+"$DEVMEM_MODULES"}; do
	[ -e "$folder" ] || { mkdir -p "$folder" && mount --bind "/run/machine$folder" "$folder"; } || finish 125
done

set -eE
trap 'finish 125' ERR
ln -s "$DEVMEM_REPO/kernel/uml/on-machines" /run/bin/on
if [ -n "$DEVMEM_MODULES" ]; then
	# shellcheck disable=SC2046 # one word each
	modprobe -d "$DEVMEM_MODULES" -a $(cat "$DEVMEM_MODULES/built")
fi
if [ -z "$DEVMEM_MODULES" ]; then
	set_environment guest
elif [ "$DEVMEM_GUESTS" = 1 ]; then
	set_environment guest
	make_hosts
else
	set_environment "host$guest"
	make_host
	serve_commands
	if [ "$guest" = 0 ]; then
		await_other_guests
	fi
fi
trap - ERR
set +eE
touch "/run/control/ready.$guest"
[ "$guest" = 0 ] || { read -r </run/finish; finish 0; }

cd "$DEVMEM_CWD" || finish 125
if [ ${#DEVMEM_COMMAND[@]} = 0 ]; then
	echo "$DEVMEM_HOSTS hosts: 'on host0 CMD' runs CMD on the first; exit ends the guest"
	setsid --ctty bash -i
	finish $?
fi
"${DEVMEM_COMMAND[@]}" </dev/null >/run/control/stdout 2>/run/control/stderr
finish $?

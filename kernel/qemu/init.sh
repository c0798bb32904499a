#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A QEMU guest's first process: mounts, modules, hosts and networks; then the first guest runs the command, others wait for its end.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source-path=SCRIPTDIR source=../uml/hosts.sh
. "$(dirname "$(readlink -f "$0")")/../uml/hosts.sh"

mount_file_systems
guest=$(sed -n 's/.*devmem_guest=\([0-9]*\).*/\1/p' /proc/cmdline)
mkdir -p /run/control /run/bin
share() { mount -t 9p -o "$3,trans=virtio,version=9p2000.L,msize=512000,cache=none" "$1" "$2"; }

# The other guests end before this one, so that their logs are there when it is gone.
finish() {
	local h
	trap - ERR
	if [ "$guest" = 0 ]; then
		for ((h = 1; h < ${DEVMEM_GUESTS:-1}; h++)); do
			timeout 10 on "host$h" sh -c 'echo >/run/finish'
			timeout 10 sh -c "until [ -e /run/control/status.$h ]; do sleep 0.05; done"
		done
	fi
	dmesg >"/run/control/dmesg.$guest"
	echo "$1" >"/run/control/status.$guest"
	"${DEVMEM_BUILD:-/nowhere}/bin/guest-poweroff" || exec poweroff -f -d
}
{ share control /run/control rw && share out /run/out rw; } || finish 125
# shellcheck disable=SC1091 # made at boot
. /run/control/settings || finish 125

# A tree below /root or /tmp was hidden by the mounts above.
for folder in "$DEVMEM_REPO" "$DEVMEM_BUILD" "$DEVMEM_CWD" "$DEVMEM_MODULES"; do
	[ -e "$folder" ] || { mkdir -p "$folder" && mount --bind "/run/machine$folder" "$folder"; } || finish 125
done

# host$guest is this machine, under the names by which a namespace of a host is found.
name_host() {
	local host=host$guest kind
	for kind in net uts; do
		mkdir -p "/run/${kind/net/netns}"
		touch "/run/${kind/net/netns}/$host"
		mount --bind "/proc/self/ns/$kind" "/run/${kind/net/netns}/$host"
	done
}

# eth0 is the management network between the guests, eth1 and on are the wires below dm0 and on.
make_host() {
	local h k host=host$guest
	name_host
	sysctl -q -w "${socket_sysctls[@]}" "${tcp_sysctls[@]}"
	for ((h = 0; h < DEVMEM_GUESTS; h++)); do
		echo "172.30.0.$((h + 1)) host$h" >>/run/hosts
	done
	ip link set lo up
	ip addr add "172.30.0.$((guest + 1))/24" dev eth0
	ip link set eth0 up
	for ((k = 0; k < DEVMEM_NICS; k++)); do
		# The card below hears the broadcasts too; it must not answer in dm$k's place, with its own address.
		sysctl -q -w "net.ipv6.conf.eth$((k + 1)).disable_ipv6=1" "net.ipv4.conf.eth$((k + 1)).arp_ignore=1"
		ip link set "eth$((k + 1))" mtu "$DEVMEM_MTU" up
		ip link add link "eth$((k + 1))" name "dm$k" numrxqueues "$DEVMEM_QUEUES" numtxqueues "$DEVMEM_QUEUES" type dmnic
		setup_nic "$guest" "$k"
		await_carrier "$guest" "$k"
	done
}

# Lets the other guests run commands here, by a key that only these guests have.
serve_commands() {
	local h
	chmod 700 /root
	mkdir -m 700 /root/.ssh
	cp /run/control/key.pub /root/.ssh/authorized_keys
	chmod 600 /root/.ssh/authorized_keys
	for ((h = 0; h < DEVMEM_GUESTS; h++)); do
		echo "host$h $(cut -d' ' -f1,2 /run/control/key.pub)"
	done >/root/.ssh/known_hosts
	export -p >/run/environment
	mkfifo /run/finish
	dropbear -E -s -r /run/control/key -p "172.30.0.$((guest + 1)):22" 2>/run/dropbear.log
}

await_host() {	# HOST
	local try
	for try in $(seq 100); do
		! timeout 5 on "$1" true 2>/dev/null || return 0
		sleep 0.2
	done
	echo "$1 does not answer after $try tries" >&2
	return 1
}

set -eE
trap 'finish 125' ERR
ln -s "$DEVMEM_REPO/kernel/qemu/on" /run/bin/on
# shellcheck disable=SC2046 # one word each
modprobe -d "$DEVMEM_MODULES" -a $(cat "$DEVMEM_MODULES/built")
if [ "$DEVMEM_GUESTS" = 1 ]; then
	set_environment guest
	make_hosts
else
	set_environment "host$guest"
	make_host
	serve_commands
	if [ "$guest" = 0 ]; then
		for ((h = 1; h < DEVMEM_GUESTS; h++)); do
			await_host "host$h"
		done
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

# SPDX-License-Identifier: GPL-2.0-only
# Guests that are one host each, of User-Mode Linux and of QEMU: host0, host1, ..., one guest each, told apart by $guest. Sourced after hosts.sh.
#
# /run/control is a folder that all guests and the machine share: the key by which guests run commands on each other, and their statuses.
# shellcheck shell=bash disable=SC2154 # $guest is set by those that source it

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
		[ ! -e "/run/control/status.${1#host}" ] || break
		sleep 0.2
	done
	echo "$1 does not answer after $try tries" >&2
	return 1
}

await_other_guests() {
	local h
	for ((h = 1; h < DEVMEM_GUESTS; h++)); do
		await_host "host$h"
	done
}

# The other guests end before this one, so that their logs are there when it is gone.
end_other_guests() {
	local h
	for ((h = 1; h < ${DEVMEM_GUESTS:-1}; h++)); do
		timeout 10 on "host$h" sh -c 'echo >/run/finish'
	done
	for ((h = 1; h < ${DEVMEM_GUESTS:-1}; h++)); do
		timeout 20 sh -c "until [ -e /run/control/status.$h ]; do sleep 0.05; done"
	done
}

# SPDX-License-Identifier: GPL-2.0-only
# What the first process of a guest, of User-Mode Linux and of QEMU, does: mounts, environment, hosts and their networks. Sourced.
# shellcheck shell=bash

mount_file_systems() {
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t tmpfs tmpfs /tmp
	mountpoint -q /run || mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /var/tmp
	mount -t tmpfs tmpfs /root
	mount -t tmpfs tmpfs /mnt
	mount -t devtmpfs devtmpfs /dev
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	mount -t debugfs debugfs /sys/kernel/debug
	mkdir -p /run/netns /run/uts /run/out
	ln -sf /proc/self/fd /dev/fd
}

# The environment of the command, by the settings of this boot; NAME becomes the guest's own.
set_environment() {	# NAME
	hostname "$1"
	printf '127.0.0.1 localhost\n::1 localhost\n172.30.0.254 guest\n' >/run/hosts
	mount --bind /run/hosts /etc/hosts
	export PATH=/run/bin:$DEVMEM_BUILD/bin:$PATH LD_LIBRARY_PATH=$DEVMEM_BUILD/lib IP_LIB_DIR=$DEVMEM_BUILD/lib/ip
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm_rsh_agent=/run/bin/on OMPI_MCA_btl_tcp_if_include=172.30.0.0/24
	export OMPI_MCA_oob_tcp_if_include=172.30.0.0/24 OMPI_MCA_btl=self,tcp OMPI_MCA_pml=ob1 HOME=/root DEVMEM_OUT=/run/out DEVMEM_HOSTS DEVMEM_NICS
}

# Buffers large enough for a fast path; those of TCP are of each network namespace.
socket_sysctls=(net.core.rmem_max=67108864 net.core.wmem_max=67108864 net.core.optmem_max=67108864)
tcp_sysctls=('net.ipv4.tcp_rmem=4096 131072 67108864' 'net.ipv4.tcp_wmem=4096 65536 67108864'
	net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0)

# A host is a network namespace with a name of its own, and eth0 on a management network to the guest's root.
add_host() {
	local host=host$1
	ip netns add "$host"
	touch "/run/uts/$host"
	unshare --uts="/run/uts/$host" hostname "$host"
	ip -n "$host" link set lo up
	ip link add "mgmt$1" type veth peer name eth0 netns "$host"
	ip link set "mgmt$1" master mgmt up
	ip -n "$host" addr add "172.30.0.$(($1 + 1))/24" dev eth0
	ip -n "$host" link set eth0 up
	echo "172.30.0.$(($1 + 1)) $host" >>/run/hosts
	on "$host" sysctl -q -w "${tcp_sysctls[@]}"
}

setup_nic() {	# HOST NETWORK
	local host=host$1 nic=dm$2
	ip -n "$host" link set "$nic" mtu "$DEVMEM_MTU"
	ip -n "$host" addr add "10.$2.0.$(($1 + 1))/24" dev "$nic"
	ip -n "$host" addr add "fd00:$2::$(($1 + 1))/64" dev "$nic" nodad
	ip -n "$host" link set "$nic" up
	[ "$DEVMEM_HEADER_SPLIT" = 0 ] || on "$host" header-split "$nic" on
	on "$host" ethtool -X "$nic" equal "$DEVMEM_RSS"
}

# Two hosts are joined by one wire, more by a bridge in a namespace that stands for the switch.
add_network() {
	local k=$1 h queues="numrxqueues $DEVMEM_QUEUES numtxqueues $DEVMEM_QUEUES"
	if [ "$DEVMEM_HOSTS" = 2 ]; then
		# shellcheck disable=SC2086
		ip link add "dm$k" netns host0 $queues type dmnic peer name "dm$k" netns host1
	else
		ip -n switch link add "br$k" type bridge
		ip -n switch link set "br$k" mtu "$DEVMEM_MTU" up
		for ((h = 0; h < DEVMEM_HOSTS; h++)); do
			# shellcheck disable=SC2086
			ip link add "dm$k" netns "host$h" $queues type dmnic peer name "port$k-$h" netns switch
			ip -n switch link set "port$k-$h" mtu "$DEVMEM_MTU" master "br$k" up
		done
	fi
	for ((h = 0; h < DEVMEM_HOSTS; h++)); do
		setup_nic "$h" "$k"
	done
}

# The kernel tells of a carrier with a delay of up to a second.
await_carrier() {	# HOST NIC
	local try
	for try in $(seq 100); do
		! ip -n "host$1" link show "dm$2" | grep -q 'state UP' || return 0
		sleep 0.02
	done
	echo "dm$2 of host$1 has no carrier after $try tries" >&2
	return 1
}

# All hosts in this guest, each in a network namespace, and their networks.
make_hosts() {
	local host nic
	sysctl -q -w "${socket_sysctls[@]}" "${tcp_sysctls[@]}"
	ip link set lo up
	ip link add mgmt type bridge
	ip addr add 172.30.0.254/24 dev mgmt
	ip link set mgmt up
	[ "$DEVMEM_HOSTS" = 2 ] || ip netns add switch
	for ((host = 0; host < DEVMEM_HOSTS; host++)); do
		add_host "$host"
	done
	for ((nic = 0; nic < DEVMEM_NICS; nic++)); do
		add_network "$nic"
	done
	for ((host = 0; host < DEVMEM_HOSTS; host++)); do
		for ((nic = 0; nic < DEVMEM_NICS; nic++)); do
			await_carrier "$host" "$nic"
		done
	done
}

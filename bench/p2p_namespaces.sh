#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# p2p between two network namespaces of this machine, which a veth pair connects: plugins over ordinary sockets, without a guest.
set -euo pipefail

usage() {
	cat <<'TEXT'
usage: bench/p2p_namespaces.sh [--mtu N] [--congestion NAME] [P2P OPTION...]

Makes two hosts, each with names, interfaces, sockets and half of the CPUs of its own, runs p2p between them with NCCL_SOCKET_IFNAME=veth0 and,
for this plugin, NCCL_DEVMEM_PLAN=host, and leaves nothing behind. Needs root, or that users may make namespaces.

  --mtu N            of the pair (default 1500)
  --congestion NAME  TCP's congestion control on both hosts (default: this machine's, which is printed)

All other options are p2p's: see p2p --help.
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
die() { echo "p2p_namespaces: $*" >&2; exit 2; }
mtu=1500 congestion=$(cat /proc/sys/net/ipv4/tcp_congestion_control) arguments=("$@")
while [ $# -gt 0 ]; do
	case $1 in
	--help) usage; exit 0 ;;
	--mtu | --congestion) [ $# -gt 1 ] || die "$1 needs a value: see --help" ;;&
	--mtu) mtu=$2 ;;
	--congestion) congestion=$2 ;;
	*) break ;;
	esac
	shift 2
done
[[ $mtu =~ ^[1-9][0-9]*$ ]] || die "--mtu '$mtu': give a number of bytes"
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
[ -x "$DEVMEM_BUILD/bin/p2p" ] || die "$DEVMEM_BUILD holds no p2p: ./dev build"
if [ -z "${DEVMEM_P2P_NAMESPACES:-}" ]; then
	user=()
	[ "$(id -u)" = 0 ] || user=(--user --map-root-user)
	unshare "${user[@]}" --mount --net ip link add veth0.0 type veth peer name veth0.1 || die "this machine lets $(id -un) make no namespaces with a veth pair: try as root"
	DEVMEM_P2P_NAMESPACES=1 exec unshare "${user[@]}" --mount --net "$0" "${arguments[@]}"
fi

add_host() {	# NUMBER
	local host=host$1
	ip netns add "$host"
	touch "/run/uts/$host"
	unshare --uts="/run/uts/$host" hostname "$host"
	ip -n "$host" link set lo up
	ip link set "veth0.$1" netns "$host" name veth0
	ip -n "$host" link set veth0 mtu "$mtu"
	ip -n "$host" addr add "10.0.0.$(($1 + 1))/24" dev veth0
	ip -n "$host" link set veth0 up
	on "$host" sh -c "echo $congestion >/proc/sys/net/ipv4/tcp_congestion_control" 2>/dev/null || die "--congestion '$congestion': network namespaces may have $(cat /proc/sys/net/ipv4/tcp_allowed_congestion_control)"
	echo "10.0.0.$(($1 + 1)) $host" >>/run/hosts
}

# Two sets of the CPUs that may be used here; of a single one both hosts have that.
share_cpus() {
	local range cpus=()
	for range in $(awk '/^Cpus_allowed_list:/ { print $2 }' /proc/self/status | tr , ' '); do
		mapfile -t -O "${#cpus[@]}" cpus < <(seq "${range%-*}" "${range#*-}")
	done
	local half=$(((${#cpus[@]} + 1) / 2))
	local second=("${cpus[@]:half}")
	(IFS=,; echo "${cpus[*]:0:half}" >/run/cpus/host0; echo "${second[*]:-${cpus[0]}}" >/run/cpus/host1)
	cat >/run/on_cpus_of <<'SHELL'
#!/bin/sh
exec taskset -c "$(cat "/run/cpus/$1")" on "$@"
SHELL
	chmod +x /run/on_cpus_of
}

# The kernel tells of a carrier a moment after the other end is up; a link without one counts as none.
await_link() {	# HOST
	local i
	for ((i = 0; i < 200; i++)); do
		! ip -n "$1" -br link show veth0 | grep -q ' UP ' || return 0
		sleep 0.05
	done
	die "the link of $1 does not come up"
}

mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/uts /run/cpus
share_cpus
echo '127.0.0.1 localhost' >/run/hosts
mount --bind /run/hosts /etc/hosts
export PATH=$repo/kernel/uml:$DEVMEM_BUILD/bin:$PATH LD_LIBRARY_PATH=$DEVMEM_BUILD/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} DEVMEM_HOSTS=2
ip link add veth0.0 type veth peer name veth0.1
add_host 0
add_host 1
await_link host0
await_link host1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm_rsh_agent=/run/on_cpus_of OMPI_MCA_btl=self,tcp OMPI_MCA_pml=ob1
export OMPI_MCA_btl_tcp_if_include=veth0 OMPI_MCA_oob_tcp_if_include=veth0 NCCL_SOCKET_IFNAME=veth0 NCCL_DEVMEM_PLAN=host
echo "# two network namespaces, MTU $mtu, congestion control $congestion, CPUs $(cat /run/cpus/host0) and $(cat /run/cpus/host1)"
exec /run/on_cpus_of host0 "$here/hosts_run.sh" 2 p2p "$@"

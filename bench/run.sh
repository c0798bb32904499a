#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# run.sh [COLLECTIVE] [OPTION...]: boots two hosts and runs one collective (default allreduce) between them over device memory TCP; options are the program's own.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
program=allreduce
case ${1:-} in
allreduce | allgather | reducescatter | broadcast | sendrecv | alltoall)
	program=$1
	shift
	;;
[!-]*)
	echo "bench: no collective '$1': there are allreduce, allgather, reducescatter, broadcast, sendrecv and alltoall; ./dev bench report measures all" >&2
	exit 2
	;;
esac
if [ "${1:-}" = --help ]; then
	exec "$DEVMEM_BUILD/bin/$program" --help
fi
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=${NCCL_SOCKET_IFNAME:-dm0} NCCL_DEVMEM_MEMORY=${NCCL_DEVMEM_MEMORY:-udmabuf}
exec "$repo/kernel/uml/guest.sh" --hosts 2 --nics 1 -- "$here/hosts_run.sh" 2 "$program" --memory "$NCCL_DEVMEM_MEMORY" "$@"

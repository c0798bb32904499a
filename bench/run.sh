#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Boots two hosts and runs one allreduce between them over device memory TCP; arguments are allreduce's own.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repo=$(dirname "$here")
export DEVMEM_BUILD=${DEVMEM_BUILD:-$repo/build/release}
if [ "${1:-}" = --help ]; then
	exec "$DEVMEM_BUILD/bin/allreduce" --help
fi
export NCCL_NET=devmem NCCL_SOCKET_IFNAME=${NCCL_SOCKET_IFNAME:-dm0} NCCL_DEVMEM_MEMORY=${NCCL_DEVMEM_MEMORY:-udmabuf}
exec "$repo/kernel/uml/guest.sh" --hosts 2 --nics 1 -- "$here/hosts_run.sh" 2 allreduce --memory "$NCCL_DEVMEM_MEMORY" "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: runs of p2p over device memory and over plain TCP in turns, a row of $DEVMEM_OUT/runs for each.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=p2p_lib.sh
. "$here/p2p_lib.sh"
export NCCL_SOCKET_IFNAME=dm0 NCCL_DEVMEM_MEMORY=${DEVMEM_P2P_MEMORY:-udmabuf}

# dmvram's engine works in the kernel, for the bench's own copies too: its rate, of the bytes that the plugin had copied.
copy_ns() {	# what the engine had done before
	[ "$NCCL_DEVMEM_MEMORY" = dmvram ] || { metric devmem_copy_ns_total; return; }
	echo "$1 $("$here/copy_engine.py") $(metric devmem_placed_bytes_total 'devmem_tx_bytes_total{path="staged"}')" |
		awk '{ printf "%.0f", ($4 > $2 ? ($3 - $1) / ($4 - $2) * $5 : 0) }'
}

one() {	# PLAN SIZE CHANNELS
	local before=''
	[ "$NCCL_DEVMEM_MEMORY" != dmvram ] || before=$("$here/copy_engine.py")
	run_p2p "$1" --size "$2" --channels "$3" --depth 4 --volume "$DEVMEM_P2P_VOLUME" --nic dm0
	echo "$1 $2 $3 $(member seconds_per_gb) $(member cpu_s_per_gb) $(member nic_s_per_gb)" \
		"$(copy_ns "$before") $(metric devmem_rx_bytes_total)" >>"$DEVMEM_OUT/runs"
}

gro_hw "$DEVMEM_P2P_GRO_HW" 1
for ((n = 1; n <= DEVMEM_P2P_REPEAT; n++)); do
	for channels in ${DEVMEM_P2P_CHANNELS//,/ }; do
		for size in ${DEVMEM_P2P_SIZES//,/ }; do
			one devmem "$size" "$channels"
			one plain "$size" "$channels"
		done
	done
done

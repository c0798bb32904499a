#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside two guests that are machines (dev guest --machines): RDMA by software, rxe0, on dm0 of both.
#
# Soft-RoCE of Linux 6.12 listens in the first network namespace alone, so hosts that are namespaces of one guest cannot speak it.
set -eu

for host in host0 host1; do
	on "$host" rdma link show rxe0/1 >/dev/null 2>&1 && continue
	on "$host" rdma link add rxe0 type rxe netdev dm0 || {
		echo "rxe: no Soft-RoCE on $host: the guest's kernel needs CONFIG_RDMA_RXE, which flavour release has; is this guest --machines?" >&2
		exit 1
	}
done

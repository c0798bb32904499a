#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: mpi_run.sh RANKS allreduce_mpi [OPTION...] runs it with its data, and not only mpirun's, on dm0 by TCP.
set -eu

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
ranks=$1
shift
# Neither shared memory between ranks of a host, nor the management network. Sums of Open MPI's AVX component saturate (open-mpi/ompi#8045), which uint8 would show.
exec "$here/hosts_run.sh" "$ranks" --mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include dm0 --mca op '^avx' "$@"

#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest, mpirun's remote shell: `on_as_user.sh HOST CMD` runs CMD on that host as user $DEVMEM_TEST_USER, without capabilities, with that host's devmemd.
host=$1
shift
exec nsenter --net="/run/netns/$host" --uts="/run/uts/$host" \
	setpriv --reuid "$DEVMEM_TEST_USER" --regid "$DEVMEM_TEST_USER" --clear-groups --inh-caps=-all --bounding-set=-all \
	sh -c "export HOME=/tmp NCCL_DEVMEM_BROKER=/run/devmemd/$host; $*"

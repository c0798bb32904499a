#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the first of two QEMU guests: host1 receives a file by devmemcat into the memory of its PCI device, every byte right.
#
# qemu_bar.sh MARK LINES: the file is LINES lines of MARK and a number; the machine looks for them in the device's memory.
set -eu

mark=$1 lines=$2
port=5001
for ((i = 0; i < lines; i++)); do
	printf '%s %08d\n' "$mark" "$i"
done >/tmp/sent
: >/tmp/stats
# What is received goes through a pipe, so that no file of host1 holds it.
on host1 sh -c "devmemcat --verbose --listen --recv-only --interface dm0 --exporter dmvram --expect $(stat -c %s /tmp/sent) --timeout 60 $port | sha256sum >/tmp/sum" \
	2>/tmp/stats &
receiver=$!
until grep -q listening /tmp/stats; do
	kill -0 "$receiver" || { cat /tmp/stats; exit 1; }
	sleep 0.2
done
# An ordinary sender: no devmem, no protocol.
timeout 60 cat /tmp/sent >/dev/tcp/10.0.0.2/$port
wait "$receiver" || { cat /tmp/stats; exit 1; }
cat /tmp/stats
[ "$(sha256sum </tmp/sent)" = "$(on host1 cat /tmp/sum)" ] || { echo 'host1 received other bytes than were sent'; exit 1; }
on host1 ethtool -S dm0 | awk -v want="$(stat -c %s /tmp/sent)" '
	/^ *rx[0-9]+_devmem_bytes/ { device += $2 }
	/^ *rx[0-9]+_linear_bytes/ { linear += $2 }
	END { printf "%d of %d bytes by way of device memory, %d by way of host memory\n", device, want, linear; exit device < want || linear > 0 }'

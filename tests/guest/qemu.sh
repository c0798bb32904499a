#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs a test in QEMU on Debian's stock kernel: qemu.sh OPTIONS of dev qemu...; skipped, with the reason, where that cannot be.
for tool in qemu-system-x86_64 /bin/busybox cpio modprobe xz dbclient dropbear gcc-12; do
	command -v "$tool" >/dev/null || { echo "skipped: $tool is missing; ./dev qemu installs it" >&2; exit 77; }
done
qemu=$(dirname "$0")/../../kernel/qemu
"$qemu/kernel.sh" >/dev/null || { echo 'skipped: Debian'"'"'s 6.12 kernel is neither cached nor to be had: see above' >&2; exit 77; }
exec "$qemu/guest.sh" "$@"

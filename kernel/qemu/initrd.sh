#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes the initramfs that mounts this machine's root in a QEMU guest, and prints its path: initrd.sh KERNEL-FOLDER
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$1
version=$(cat "$root/version")
result=$root/initrd-$(cat "$here/initrd.sh" "$here/initrd-init" | sha256sum | cut -c1-16)
[ -e "$result" ] || {
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	mkdir -p "$scratch"/{bin,dev,proc,sys,host,modules}
	cp /bin/busybox "$scratch/bin/busybox"
	ln -s busybox "$scratch/bin/sh"
	cp "$here/initrd-init" "$scratch/init"
	# What the root by 9p and the networks need, in the order of loading.
	number=10
	while read -r path; do
		case $path in
		*.xz) xz -dc "$path" ;;
		*) cat "$path" ;;
		esac >"$scratch/modules/$number-$(basename "$path" .xz)"
		number=$((number + 1))
	done < <(modprobe -d "$root" -S "$version" -a --show-depends virtio_pci 9pnet_virtio 9p virtio_net veth bridge | awk '$1 == "insmod" && !seen[$2]++ { print $2 }')
	(cd "$scratch" && find . | cpio -o -H newc --quiet) >"$result.$$"
	mv "$result.$$" "$result"
}
echo "$result"

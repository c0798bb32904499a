#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds our modules against the stock kernel's headers and prints a folder for `modprobe -d`: modules.sh KERNEL-FOLDER
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
kernel=$(dirname "$here")
root=$1
version=$(cat "$root/version")
say() { printf 'qemu: %s\n' "$*" >&2; }

mapfile -t drivers < <(sed -n 's|^obj-m += \(.*\)/$|\1|p' "$kernel/Kbuild")
# shellcheck disable=SC2046 # one word each
hash=$(cd "$kernel" && cat Kbuild Makefile "$here/modules.sh" $(printf '%s/* ' "${drivers[@]}") ../include/uapi/* | sha256sum | cut -c1-16)
result=$root/modules-$hash
if [ -e "$result/built" ]; then
	touch "$result/built"
	echo "$result"
	exit 0
fi

exec 9>"$root/modules.lock"
flock 9
if [ ! -e "$result/built" ]; then
	scratch=$(mktemp -d "$root/build.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	say "building ${drivers[*]} for $version"
	if ! make -C "$kernel" -j"$(nproc)" KDIR="$root/usr/src/linux-headers-$version" BUILD="$scratch/build" >"$root/modules.log" 2>&1; then
		cat "$root/modules.log" >&2
		say 'the modules do not build for the stock kernel: see above'
		exit 1
	fi
	target=$scratch/root/lib/modules/$version
	mkdir -p "$target"
	cp "$scratch"/build/kernel/*/*.ko "$target/"
	strip --strip-debug "$target"/*.ko
	depmod -b "$scratch/root" "$version" 2>/dev/null
	printf '%s\n' "${drivers[@]}" >"$scratch/root/built"
	chmod 755 "$scratch/root"
	# Keep the builds of other trees that share the cache, the newest of them.
	find "$root" -maxdepth 1 -name 'modules-*' -printf '%T@ %p\n' | sort -rn | tail -n +8 | cut -d' ' -f2- | xargs -r rm -rf
	mv "$scratch/root" "$result"
fi
echo "$result"

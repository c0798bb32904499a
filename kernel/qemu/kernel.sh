#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Unpacks a stock kernel of Debian's, unmodified and not installed, and prints the folder: kernel.sh [PACKAGE]
#
# PACKAGE is one that stands for the newest of a line, as linux-image-amd64. Without it: linux-image-6.12-amd64, and its headers.
# The folder holds boot/, lib/modules/, usr/src/ of the packages, and version. It is cached by the version of the kernel.
set -euo pipefail

wanted=${1:-linux-image-6.12-amd64}
alone=${1:+.alone}
cache=${DEVMEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/devmem}/qemu
say() { printf 'qemu: %s\n' "$*" >&2; }

# first_dependency PACKAGE: what a package for "the newest" stands for.
first_dependency() { apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *|\?Depends: //p' | sed -n 1p; }

image=$(first_dependency "$wanted")
[ -n "$image" ] || [ -z "$alone" ] || { say "apt knows no $wanted: apt-get update"; exit 1; }
if [ -z "$image" ]; then
	# Without apt's lists what is there will do.
	newest=$(find "$cache" -maxdepth 1 -name '6.12.*-amd64' 2>/dev/null | sort -V | tail -n 1)
	[ -n "$newest" ] || { say 'apt knows no linux-image-6.12-amd64: apt-get update, on Debian 12 with bookworm-security'; exit 1; }
	echo "$newest"
	exit 0
fi
version=${image#linux-image-}
result=$cache/$version$alone
if [ -e "$result/version" ]; then
	echo "$result"
	exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ ! -e "$result/version" ]; then
	scratch=$(mktemp -d "$cache/unpack.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	base=${version%-amd64}
	packages=("$image")
	[ -n "$alone" ] || packages+=("linux-headers-$version" "linux-headers-$base-common" "linux-kbuild-$base")
	say "fetching ${packages[*]}"
	(cd "$scratch" && timeout 900 apt-get download -q "${packages[@]}") >"$cache/fetch.log" 2>&1 ||
		{ cat "$cache/fetch.log" >&2; say 'apt-get download failed: see above'; exit 1; }
	mkdir "$scratch/root"
	for package in "$scratch"/*.deb; do
		dpkg -x "$package" "$scratch/root"
	done
	depmod -b "$scratch/root" "$version"
	# The headers' Makefile includes the common one by its installed path.
	[ -n "$alone" ] || sed -i "s|^include /usr/src/|include $result/usr/src/|" "$scratch/root/usr/src/linux-headers-$version/Makefile"
	echo "$version" >"$scratch/root/version"
	rm -rf "$result"
	chmod 755 "$scratch/root"
	mv "$scratch/root" "$result"
fi
echo "$result"

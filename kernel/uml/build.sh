#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the User-Mode Linux test kernel and prints its path: build.sh [release|debug]
#
# A kernel is cached by the hash of all that goes into it, so an unchanged tree costs only the hash. The patched source and
# the objects of each flavour are kept too: a change of our drivers alone compiles a few files.
set -euo pipefail

flavour=${1:-release}
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
kernel=$(dirname "$here")
cache=${DEVMEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/devmem}/kernel
tarball=/usr/src/linux-source-6.12.tar.xz

say() { printf 'kernel: %s\n' "$*" >&2; }

[ -f "$here/$flavour.config" ] || { say "no flavour '$flavour': there are release and debug"; exit 2; }
[ -f "$tarball" ] || { say "$tarball is missing: apt-get install linux-source-6.12"; exit 2; }

package=$(dpkg-query -W -f '${Version}' linux-source-6.12)
uapi=$(dirname "$kernel")/include/uapi/dmvram_uapi.h
source_hash=$({ echo "$package"; cat "$kernel"/patches/*.patch; } | sha256sum | cut -c1-16)
hash=$({ echo "$source_hash"; gcc -dumpfullversion; cat "$here/base.config" "$here/$flavour.config" "${BASH_SOURCE[0]}"; cat "$kernel"/{dmbus,dmnic,dmvram}/* "$uapi"; } | sha256sum | cut -c1-16)
result=$cache/$flavour-$hash
if [ -x "$result/linux" ]; then
	touch "$result"
	echo "$result/linux"
	exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ -x "$result/linux" ]; then	# somebody else built it while we waited
	echo "$result/linux"
	exit 0
fi

# The source stays at one path and keeps the times of files that do not change, so that a new patch compiles only what it touches.
source=$cache/source
if [ "$(cat "$cache/source.hash" 2>/dev/null)" != "$source_hash" ]; then
	say "unpacking Debian's linux-source-6.12 $package and applying kernel/patches"
	rm -rf "$source.new"
	mkdir "$source.new"
	tar -xf "$tarball" -C "$source.new" --strip-components=1
	for patch in "$kernel"/patches/*.patch; do
		patch -d "$source.new" -p1 -s --no-backup-if-mismatch <"$patch" || { say "$(basename "$patch") does not apply"; exit 1; }
	done
	# Not -t: what has not changed keeps its time, what has gets the present one.
	rsync -rlpgoD --checksum --delete --exclude '/drivers/net/dm*/' "$source.new/" "$source/"
	rm -rf "$source.new"
	echo "$source_hash" >"$cache/source.hash"
fi
for driver in dmbus dmnic dmvram; do
	rsync -rlpgoD --checksum --delete --exclude "/$(basename "$uapi")" "$kernel/$driver/" "$source/drivers/net/$driver/"
done
rsync -lpgoD --checksum "$uapi" "$source/drivers/net/dmvram/"

objects=$cache/objects-$flavour
log=$cache/build-$flavour.log
mkdir -p "$objects"
say "building the $flavour kernel (minutes when cold); log: $log"
start=$SECONDS
compiler=gcc
command -v ccache >/dev/null && compiler='ccache gcc'
run_make() { make -C "$source" O="$objects" ARCH=um CC="$compiler" HOSTCC="$compiler" KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=devmem KBUILD_BUILD_HOST=devmem "$@"; }
{
	run_make tinyconfig
	(cd "$objects" && "$source/scripts/kconfig/merge_config.sh" -m .config "$here/base.config" "$here/$flavour.config")
	run_make olddefconfig
	run_make -j"$(nproc)" linux
} >"$log" 2>&1 || { tail -40 "$log" >&2; say "the build failed: see $log"; exit 1; }

# A symbol that Kconfig dropped in silence would only show as a strange test failure later.
missing=$(cat "$here/base.config" "$here/$flavour.config" | grep -E '^CONFIG_[A-Z0-9_]+=y' | sort -u | while read -r line; do grep -qx "$line" "$objects/.config" || echo "$line"; done)
[ -z "$missing" ] || { say "the configuration lost: $missing"; exit 1; }
grep -qx CONFIG_NET_DEVMEM=y "$objects/.config" || { say "CONFIG_NET_DEVMEM is off"; exit 1; }

# Keep the three newest kernels of this flavour.
find "$cache" -maxdepth 1 -name "$flavour-*" -printf '%T@ %p\n' | sort -rn | tail -n +3 | cut -d' ' -f2- | xargs -r rm -rf
mkdir "$result.new"
cp "$objects/linux" "$objects/.config" "$result.new/"
mv "$result.new" "$result"
say "built in $((SECONDS - start)) s"
echo "$result/linux"

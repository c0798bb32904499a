#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The way to the modules by DKMS: source laid out, added and built for Debian's stock kernel, all in folders that are removed after.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../.." && pwd)
command -v dkms >/dev/null || { echo 'skipped: dkms is missing: apt-get install dkms' >&2; exit 77; }
kernel=$("$repo/kernel/qemu/kernel.sh") || { echo 'skipped: Debian'"'"'s 6.12 kernel is neither cached nor to be had: see above' >&2; exit 77; }
version=$(cat "$kernel/version")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

setting() { sed -n "s/^$1=\"\(.*\)\"/\1/p" "$repo/kernel/dkms.conf"; }
package=$(setting PACKAGE_NAME)/$(setting PACKAGE_VERSION)
make -s -C "$repo/kernel" dkms_source DESTDIR="$folder"
mkdir "$folder/tree"
# DKMS signs what it builds; not with, nor making, a key of this machine.
export mok_signing_key=$folder/mok.key mok_certificate=$folder/mok.pub
options=(--dkmstree "$folder/tree" --sourcetree "$folder/usr/src" -k "$version" -a x86_64 --kernelsourcedir "$kernel/usr/src/linux-headers-$version")
dkms "${options[@]}" add "$package"
dkms "${options[@]}" build "$package" ||
	{ cat "$folder/tree/$package/build/make.log"; exit 1; }

# What is built there is all that Kbuild lists, and for that kernel.
# shellcheck disable=SC2013 # names without spaces
for driver in $(sed -n 's|^obj-m += \(.*\)/$|\1|p' "$repo/kernel/Kbuild"); do
	module=$(find "$folder/tree/$package/$version" -name "$driver.ko*" | grep .) || { echo "dkms.conf does not list $driver"; exit 1; }
	modinfo -F vermagic "$module" | grep -q "^$version " || { echo "$module is not for $version"; exit 1; }
done

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a reviewer's tools say of kernel/: checkpatch --strict of the series, sparse of our drivers and of the files that the series changes.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
cache=${DEVMEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/devmem}/kernel
linux=$("$here/uml/build.sh" release)
for tool in sparse perl; do
	command -v $tool >/dev/null || { echo "$tool is missing: apt-get install $tool" >&2; exit 77; }
done

# The kernel's name is a hash of all that is looked at here. What was clean once is so again.
clean=$cache/clean
state="$(basename "$(dirname "$linux")") $(sparse --version) $(sha256sum <"${BASH_SOURCE[0]}")"
if [ "$(sed -n 1p "$clean" 2>/dev/null)" = "$state" ]; then
	echo "$(sed -n 2p "$clean") (found before of this kernel)"
	exit 0
fi

failed=0
exec 9>"$cache/lock"
flock 9
cd "$cache/source"
for patch in "$here"/patches/*.patch; do
	accepted=()
	# Page table entries are typedefs in every architecture; MAINTAINERS names arch/um as a whole.
	case $patch in *-um-use-four-levels-*) accepted=(--ignore NEW_TYPEDEFS,FILE_PATH_CHANGES) ;; esac
	said=$(perl scripts/checkpatch.pl --strict --no-tree --quiet --terse "${accepted[@]}" - <"$patch") && continue
	printf '%s: %s\n' "$(basename "$patch")" "$said"
	failed=1
done

# Files of the series that this configuration compiles, and all of ours.
objects=$cache/objects-release
mapfile -t files < <(sed -n 's|^+++ b/\(net/.*\)\.c$|\1.o|p' "$here"/patches/*.patch | sort -u)
mapfile -t ours < <(cd "$objects" && find drivers/net/dm{bus,nic,vram} -name '*.o' ! -name 'built-in*' | sort)
for file in "${files[@]}" "${ours[@]}"; do
	[ -e "$objects/$file" ] && rm "$objects/$file"
done
log=$(make -s -C "$PWD" O="$objects" ARCH=um C=1 CHECK='sparse -Wno-non-pointer-null' KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=devmem KBUILD_BUILD_HOST=devmem \
	"${files[@]}" "${ours[@]}" 2>&1) || { printf '%s\n' "$log"; exit 1; }
# Only what stands in our drivers, or in lines that the series adds, is ours to mend.
if grep -E '^[^ ]*drivers/net/dm(bus|nic|vram)/.*(warning|error):' <<<"$log"; then
	failed=1
fi
while IFS=: read -r path line _ text; do
	relative=${path##*/source/}
	code=$(sed -n "${line}p" "$relative" 2>/dev/null)
	if [ -n "$code" ] && grep -qxF -- "+$code" "$here"/patches/*.patch; then
		echo "$relative:$line:$text"
		failed=1
	fi
done < <(grep -E '^[^ ]+\.[ch]:[0-9]+:[0-9]+: (warning|error):' <<<"$log" | grep -v 'drivers/net/dm' || true)
[ $failed = 0 ] || exit 1
verdict="checkpatch --strict: $(ls "$here"/patches/*.patch | wc -l) patches clean; sparse: ${#files[@]} files of the series and ${#ours[@]} of the drivers clean"
printf '%s\n%s\n' "$state" "$verdict" >"$clean"
echo "$verdict"

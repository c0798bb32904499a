#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# devmemctl check on Debian 12's own kernel names the kernel first, and the kernel that its command installs has what was missing.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../.." && pwd)
old=linux-image-amd64
build=${DEVMEM_BUILD:-$repo/build/release}
for tool in apt-get qemu-system-x86_64 /bin/busybox cpio modprobe xz; do
	command -v "$tool" >/dev/null || { echo "skipped: $tool is missing; ./dev qemu installs it" >&2; exit 77; }
done
"$repo/kernel/qemu/kernel.sh" "$old" >/dev/null || { echo "skipped: $old is neither cached nor to be had: see above" >&2; exit 77; }

# check_on PACKAGE: what devmemctl says on Debian's kernel of PACKAGE.
check_on() { "$repo/kernel/qemu/guest.sh" --stock "$1" -- "$build/bin/devmemctl" check || [ $? -lt 99 ]; }
die() { printf '%s in:\n%s\n' "$1" "$2"; exit 1; }

said=$(check_on "$old")
grep -q '^FAIL kernel-receive: Linux 6\.1\.' <<<"$said" || die 'no FAIL of kernel-receive' "$said"
command=$(sed -n 's/^First: kernel-receive: //p' <<<"$said")
[[ $command == 'apt-get install '* ]] || die 'the first cause has no command' "$said"

# The command itself, but for the installing.
planned=$($command --simulate) || die "'$command' does not work" "$planned"
package=${command##* }
version=$(sed -n 's/^Inst linux-image-\([0-9][^ ]*+[^ ]*\) .*/\1/p' <<<"$planned")
[ -n "$version" ] || version=$(uname -r)	# this machine has it already
said=$(check_on "$package")
grep -q "^OK   kernel-receive: Linux $version " <<<"$said" || die "the kernel $version that it installs is not OK" "$said"
echo "$command: Linux $version can receive device memory"

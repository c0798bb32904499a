#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the guest from a folder below /tmp, which the guest's own /tmp hides: the command must find that folder's files.
set -eu

repo=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
folder=$(mktemp -d /tmp/devmem-hidden.XXXXXX)
trap 'rm -rf "$folder"' EXIT
touch "$folder/here"
cd "$folder"
"$repo/kernel/uml/guest.sh" --timeout 60 -- test -e here

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: devmemget against servers that break. An object comes right or is refused with a reason; nothing is left behind.
set -u
# shellcheck source=tests/guest/devmemget_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/devmemget_lib.sh"

objects=$dir/objects
# shellcheck source=tests/guest/devmemget_fault_cases.sh
. "$http_here/devmemget_fault_cases.sh"
finish

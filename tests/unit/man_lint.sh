#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# man_lint.sh PAGE...: every manual page is good mdoc; skipped (77) where mandoc is missing.
set -u

command -v mandoc >/dev/null || { echo 'mandoc is missing: apt-get install mandoc'; exit 77; }
mandoc -T lint -W warning "$@"

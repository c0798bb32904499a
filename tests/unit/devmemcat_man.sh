#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# devmemcat_man.sh DEVMEMCAT PAGE: the manual page has every option of --help and no other, every exit status, and is good mdoc.
set -u

failures=0
fail() { echo "$*"; failures=1; }
options() { grep -oE -- '--[a-z][a-z-]+' | grep -vE -- '--(help|usage)$' | sort -u; }

help=$("$1" --help) || fail "--help ended with $?"
# The page writes an option's two dashes as Fl and one dash.
page=$(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh FILES/s/^\.It//p' "$2" | sed -E 's/(Fl|,) -/ --/g')
diff <(options <<<"$help") <(options <<<"$page") || fail 'the page (right) and --help (left) have different options'
for letter in $(grep -oE '^ +-[a-zA-Z0-9](,|=| )' <<<"$help" | tr -d ' ,='); do
	grep -qE "^\.It.*(Fl|,) ${letter#-}( |\$)" "$2" || fail "the page lacks $letter"
done
for status in 0 1 2 3 4; do
	grep -qx "\.It $status" "$2" || fail "the page lacks exit status $status"
done
if command -v mandoc >/dev/null; then
	# What this machine's index of pages lacks is no fault of the page.
	lint=$(mandoc -T lint -W warning "$2") || fail "$lint"
fi
exit $failures

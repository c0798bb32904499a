#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# program_man.sh PROGRAM PAGE STATUS...: the manual page has every option of --help and no other, exactly these exit statuses, and is good mdoc.
set -u

program=$1 file=$2
shift 2
failures=0
fail() { echo "$*"; failures=1; }
options() { grep -oE -- '--[a-z][a-z0-9-]+' | grep -vE -- '--(help|usage)$' | sort -u; }

help=$("$program" --help) || fail "--help ended with $?"
# The page writes an option's two dashes as Fl and one dash.
page=$(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh FILES/s/^\.It//p' "$file" | sed -E 's/(Fl|,) -/ --/g')
diff <(options <<<"$help") <(options <<<"$page") || fail 'the page (right) and --help (left) have different options'
for letter in $(grep -oE '^ +-[a-zA-Z0-9](,|=| )' <<<"$help" | tr -d ' ,='); do
	grep -qE "^\.It.*(Fl|,) ${letter#-}( |\$)" "$file" || fail "the page lacks $letter"
done
# Signals are in it as 128 and n.
statuses=$(sed -nE '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It ([0-9]+)$/\1/p' "$file")
diff <(printf '%s\n' "$@") - <<<"$statuses" || fail 'the page (right) has other exit statuses than it should (left)'
if command -v mandoc >/dev/null; then
	# What this machine's index of pages lacks is no fault of the page.
	lint=$(mandoc -T lint -W warning "$file") || fail "$lint"
fi
exit $failures

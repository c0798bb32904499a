#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# each_test.sh PROGRAM [FILTER]: runs each test of a GoogleTest program in a process of its own, and fails when one did. What is checked at a process' end is
# checked after each test then.
set -u

program=$1 filter=${2:-*}
ran=0 failed=()
suite=''
while IFS= read -r line; do
	line=${line%%#*}
	case $line in
	'  '*) name=$suite${line//[[:space:]]/} ;;
	*.*) suite=${line//[[:space:]]/}; continue ;;
	*) continue ;;
	esac
	ran=$((ran + 1))
	said=$("$program" --gtest_filter="$name" 2>&1)
	status=$?
	grep -E '^\[ +(OK|FAILED|SKIPPED) +\] .*ms\)$' <<<"$said" || echo "[ ENDED  ] $name with status $status"
	[ $status = 0 ] || { printf '%s\n' "$said"; failed+=("$name"); }
done < <("$program" --gtest_list_tests --gtest_filter="$filter")
[ "$ran" -gt 0 ] || { echo "no test of $program is called $filter"; exit 1; }
echo "$ran tests, ${#failed[@]} failed: ${failed[*]}"
[ ${#failed[@]} = 0 ]

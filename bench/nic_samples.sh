#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# nic_samples.sh WORDS...: until it is killed, each tenth of a second a line: WORDS, the time in seconds, bytes and packets that this host's dmnics received.
set -eu

# Nothing is started while it runs: that would take more of the guest's processor than what is counted.
exec {never}<> <(:)
while read -r -t 0.1 -u "$never" || [ $? -gt 128 ]; do
	bytes=0 packets=0
	while read -r nic received count _; do
		[[ $nic != dm* ]] || bytes=$((bytes + received)) packets=$((packets + count))
	done </proc/self/net/dev
	printf '%s %s %s %s\n' "$*" "$EPOCHREALTIME" "$bytes" "$packets"
done

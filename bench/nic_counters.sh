# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: what the NICs of all hosts have counted so far, in files for `verdict --nics`. Sourced.
# shellcheck shell=bash

nic_counters() {	# FOLDER NAME: to FOLDER/hostH.NAME
	local host nic
	for ((host = 0; host < DEVMEM_HOSTS; host++)); do
		for ((nic = 0; nic < DEVMEM_NICS; nic++)); do
			on "host$host" ethtool -S "dm$nic"
		done >"$1/host$host.$2"
	done
}

# received HOST NIC COUNTER: its sum over the NIC's rx queues, as devmem_bytes or linear_bytes.
received() {
	on "$1" ethtool -S "$2" | awk -v name="_$3:" '$1 ~ "^rx[0-9]+" name "$" { sum += $2 } END { print sum + 0 }'
}

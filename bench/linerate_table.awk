# SPDX-License-Identifier: BSD-3-Clause
# Medians of linerate_hosts.sh's runs: plan pairs directions mbits payload wire gbs cpu/GB nic/GB copy_ns received moved by_host wrong.

# Columns of median(): 1 share of line rate, 2 CPU, 3 NIC, 4 copies, 5 bytes in host memory for each byte.
$12 <= 0 {
	print "linerate: the plugin counted no bytes for " $1 ": are devmem_rx_bytes_total and devmem_tx_bytes_total in its metrics file?" >"/dev/stderr"
	failed = 1
	exit 1
}

{
	key = $2 " " $3 " " $4 " " $1
	if (!(key in runs))
		keys[++n_keys] = key
	n = ++runs[key]
	possible = $5 / $6
	value[key, 1, n] = $7 * 8000 / ($4 * $2 * $3)
	value[key, 2, n] = $8
	value[key, 3, n] = $9
	value[key, 4, n] = $10 / $11
	value[key, 5, n] = $13 / $12
	wrong[key] += $14
	if (value[key, 1, n] > 1.01 * possible) {
		print "linerate: " $1 ": more than the wire can carry: the NICs do not keep their speed" >"/dev/stderr"
		failed = 1
		exit 1
	}
}

END {
	if (failed)
		exit 1
	printf "# %.2f %% of line rate is all that payload can have in such frames; median of %d\n", 100 * possible, n
	printf "#%5s %10s %6s %-7s %10s %10s %13s %9s %8s %8s %12s %6s\n", "NICs", "directions", "Mb/s", "plan", "payload", "% of line", "% of possible", "CPU s/GB",
		"NIC", "copies", "host memory", "wrong"
	for (i = 1; i <= n_keys; i++) {
		split(keys[i], part, " ")
		share = median(keys[i], 1)
		printf "%6d %10d %6d %-7s %10.2f %10.2f %13.2f %9.3f %8.3f %8.3f %12.2f %6d\n", part[1], part[2], part[3], part[4],
			share * part[3] * part[1] * part[2], 100 * share, 100 * share / possible, median(keys[i], 2), median(keys[i], 3), median(keys[i], 4),
			median(keys[i], 5), wrong[keys[i]]
	}
}

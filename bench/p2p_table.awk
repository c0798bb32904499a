# SPDX-License-Identifier: BSD-3-Clause
# Medians and ratios of p2p_hosts.sh's runs: plan size channels seconds/GB cpu/GB nic/GB copy_ns received_bytes.

# Columns of median(): 1 wall clock, 2 CPU, 3 NIC, 4 copies, 5 wall clock without the last two.
$8 <= 0 {
	print "p2p_guest: the plugin counted no received bytes for " $1 " " $2 ": is devmem_rx_bytes_total in its metrics file?" >"/dev/stderr"
	failed = 1
	exit 1
}

{
	point = $2 " " $3
	key = $1 " " point
	if (!(point in seen))
		points[++n_points] = point
	seen[point] = 1
	n = ++runs[key]
	value[key, 1, n] = $4
	value[key, 2, n] = $5
	value[key, 3, n] = $6
	value[key, 4, n] = $7 / $8
	value[key, 5, n] = $4 - $6 - value[key, 4, n]
}

function row(plan, point,    key, part) {
	key = plan " " point
	split(point, part, " ")
	printf "%6s %8d %-7s %7.3f %8.3f %8.3f %8.3f %8.3f %8.3f %8.3f\n", part[1], part[2], plan, 1 / median(key, 1), median(key, 1),
		median(key, 2), median(key, 3), median(key, 4), 1 / median(key, 5), median(key, 5)
}

END {
	if (failed)
		exit 1
	print "#                            as it is                    hardware's work   without hardware's work"
	print "# size channels plan      GB/s     s/GB   rusage      NIC   copies     GB/s     s/GB"
	for (i = 1; i <= n_points; i++) {
		row("devmem", points[i])
		row("plain", points[i])
		printf "#    devmem against plain: bandwidth x%.2f as it is, x%.2f without hardware; CPU per GB x%.2f and x%.2f\n",
			median("plain " points[i], 1) / median("devmem " points[i], 1),
			median("plain " points[i], 5) / median("devmem " points[i], 5),
			median("devmem " points[i], 1) / median("plain " points[i], 1),
			median("devmem " points[i], 5) / median("plain " points[i], 5)
	}
}

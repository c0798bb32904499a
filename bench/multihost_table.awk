# SPDX-License-Identifier: BSD-3-Clause
# Medians of multihost_hosts.sh's runs: ranks time_us algbw busbw cpu_us.

{
	if (!($1 in runs))
		points[++n_points] = $1
	n = ++runs[$1]
	for (column = 1; column <= 4; column++)
		value[$1, column, n] = $(column + 1)
}

END {
	printf "# %5s %12s %10s %10s %12s\n# %5s %12s %10s %10s %12s\n", "ranks", "time", "algbw", "busbw", "cpu", "", "(us)", "(GB/s)", "(GB/s)", "(us)"
	for (i = 1; i <= n_points; i++) {
		point = points[i]
		printf "%7d %12.1f %10.4f %10.4f %12.1f\n", point, median(point, 1), median(point, 2), median(point, 3), median(point, 4)
	}
}

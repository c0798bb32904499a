# SPDX-License-Identifier: BSD-3-Clause
# The median that tables of benches show, of value[key, column, 1 to runs[key]].

function median(key, column,    n, i, j, t, v) {
	n = runs[key]
	for (i = 1; i <= n; i++) {
		t = value[key, column, i]
		for (j = i - 1; j > 0 && v[j] > t; j--)
			v[j + 1] = v[j]
		v[j + 1] = t
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

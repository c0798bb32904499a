# SPDX-License-Identifier: BSD-3-Clause
# Rows of words as JSON: an object of each, whose members -v columns='NAME...' names in order.

function value(word) {
	return word ~ /^-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?$/ ? word : "\"" word "\""
}

BEGIN {
	n = split(columns, name, " ")
	printf "["
}

{
	if (NF != n) {
		print "rows_json: row " NR " has " NF " words, not " n " (" columns "): " $0 >"/dev/stderr"
		failed = 1
		exit 1
	}
	row = ""
	for (i = 1; i <= n; i++)
		row = row ", " "\"" name[i] "\": " value($i)
	printf "%s\n {%s}", rows, substr(row, 3)
	rows = ","
}

END {
	if (failed)
		exit 1
	print "\n]"
}

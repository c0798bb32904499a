# SPDX-License-Identifier: BSD-3-Clause
# Medians and ratios of get_hosts.sh's runs: program set bytes seconds cpu_s hw_ns copy_ns.

# Columns of median(), all in seconds for each GB. Two kinds of CPU time, which are not to be mixed:
# 2 and 3 are the client process' own: user and system, as the kernel attributes them. It lacks what the kernel did for it in interrupts while another
#   process ran, and has what it did for the server while the client ran.
# 1 and 6 are the guest's: it has one CPU, kept busy by client, server and kernel together, so wall clock time is that CPU's time. The server's share is
#   the same for both programs. 4 and 5 are the parts of it that hardware would do: NICs, and the copy engine.
{
	gb = $3 / 1e9
	if (gb <= 0) {
		print "get_guest: " $1 " counted no bytes for " $2 ": are bytes and seconds in its --json?" >"/dev/stderr"
		failed = 1
		exit 1
	}
	key = $1 " " $2
	if (!($2 in seen))
		sets[++n_sets] = $2
	seen[$2] = 1
	n = ++runs[key]
	copies = $7 / 1e9
	value[key, 1, n] = $4 / gb
	value[key, 2, n] = $5 / gb
	value[key, 3, n] = ($5 - copies) / gb
	value[key, 4, n] = $6 / 1e9 / gb
	value[key, 5, n] = copies / gb
	value[key, 6, n] = ($4 - $6 / 1e9 - copies) / gb
}

function row(program, set,    key) {
	key = program " " set
	printf "%9s %-13s %7.3f %8.3f %8.3f %8.3f %8.3f %7.3f %8.3f %8.3f\n", set, program, 1 / median(key, 1), median(key, 1), median(key, 2),
		median(key, 4), median(key, 5), 1 / median(key, 6), median(key, 6), median(key, 3)
}

function ratio(set, column) {
	return median("devmem " set, column) / median("curl_and_copy " set, column)
}

END {
	if (failed)
		exit 1
	print "#                            as it is                    hardware's work   without hardware's work"
	print "# objects program          GB/s     s/GB   client      NIC   copies    GB/s     s/GB   client"
	for (i = 1; i <= n_sets; i++) {
		row("devmem", sets[i])
		row("curl_and_copy", sets[i])
		printf "#    devmem against curl and copy: bandwidth x%.2f as it is, x%.2f without hardware; s/GB x%.2f and x%.2f; client x%.2f and x%.2f\n",
			1 / ratio(sets[i], 1), 1 / ratio(sets[i], 6), ratio(sets[i], 1), ratio(sets[i], 6), ratio(sets[i], 2), ratio(sets[i], 3)
	}
}

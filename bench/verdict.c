// SPDX-License-Identifier: BSD-3-Clause
/* verdict: shows where the bytes of a run went, and ends non-zero when a figure is not as it must be. */
#include <argp.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "verdict_load.h"

enum { EXIT_NOT_AS_IT_MUST = 1, EXIT_USAGE = 2 };

struct args {
	const char *devmem, *plain, *nics;
	unsigned int hosts;
};

static const struct argp_option options[] = {
	{ "devmem", 'd', "FILE", 0, "What a collective wrote with --json of the run over device memory TCP", 0 },
	{ "plain", 'p', "FILE", 0, "What it wrote of the same over plain TCP", 0 },
	{ "nics", 'n', "DIR", 0, "Folder with hostH.start, hostH.devmem and hostH.plain: `ethtool -S` of every host before, between and after the runs", 0 },
	{ "hosts", 'H', "N", 0, "Number of hosts (default 2)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'd': args->devmem = arg; break;
	case 'p': args->plain = arg; break;
	case 'n': args->nics = arg; break;
	case 'H': args->hosts = (unsigned int)strtoul(arg, NULL, 10); break;
	case ARGP_KEY_END:
		if (!args->devmem && !args->plain)
			argp_error(state, "give --devmem, --plain or both");
		break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int load(const struct args *args, const char *json, const char *from, const char *to,
		struct run_figures *run, struct failure *failure)
{
	if (verdict_load_json(json, run, failure))
		return -1;
	for (unsigned int host = 0; args->nics && host < args->hosts; host++) {
		char before[PATH_MAX], after[PATH_MAX];

		snprintf(before, sizeof(before), "%s/host%u.%s", args->nics, host, from);
		snprintf(after, sizeof(after), "%s/host%u.%s", args->nics, host, to);
		if (verdict_load_nic(before, after, run, failure))
			return -1;
	}
	return 0;
}

/* One line for each figure, one column for each run. */
static void row(const char *name, const uint64_t *devmem, const uint64_t *plain)
{
	printf("  %-42s", name);
	if (devmem)
		printf(" %16" PRIu64, *devmem);
	if (plain)
		printf(" %16" PRIu64, *plain);
	putchar('\n');
}

static void row_seconds(const char *name, const double *devmem, const double *plain)
{
	printf("  %-42s", name);
	if (devmem)
		printf(" %16.3f", *devmem);
	if (plain)
		printf(" %16.3f", *plain);
	putchar('\n');
}

#define ROW(name, member) row(name, devmem ? &devmem->member : NULL, plain ? &plain->member : NULL)
#define ROW_METRIC(name, metric) ROW(name, metrics.values[metric])
#define ROW_SECONDS(name, member)                                                                  \
	row_seconds(name, devmem ? &devmem->member : NULL, plain ? &plain->member : NULL)

static void show(const struct run_figures *devmem, const struct run_figures *plain)
{
	printf("Where the bytes went (all hosts)\n  %-42s", "");
	printf("%s%s\n", devmem ? "    device memory" : "", plain ? "        plain TCP" : "");
	ROW("payload that NCCL's proxy handed over", bytes_sent);
	if ((devmem ? devmem : plain)->has_nic) {
		ROW("kernel: NICs wrote to device memory", nic.rx_devmem);
		ROW("kernel: NICs read from device memory", nic.tx_devmem);
		ROW("kernel: NICs left with the headers", nic.rx_linear);
		ROW("kernel: packets that NICs dropped", nic.drops);
	}
	ROW_METRIC("library: received in device memory", METRIC_RX_DEVICE);
	ROW_METRIC("library: received linear", METRIC_RX_LINEAR);
	ROW_METRIC("library: received in host memory", METRIC_RX_PLAIN);
	ROW_METRIC("library: sent from device memory", METRIC_TX_DEVICE);
	ROW_METRIC("library: copied by the host", METRIC_TX_COPIED);
	ROW_METRIC("library: staged in host memory", METRIC_TX_STAGED);
	ROW_METRIC("library: placed by the copy engine (1)", METRIC_PLACED);
	ROW_METRIC("library: left to the device's kernels", METRIC_UNPACKED);
	ROW_METRIC("tokens taken", METRIC_TOKENS_TAKEN);
	ROW_METRIC("tokens returned", METRIC_TOKENS_RETURNED);
	ROW_METRIC("requests: sends", METRIC_SENDS);
	ROW_METRIC("requests: receives", METRIC_RECVS);
	ROW("runs checked", checks);
	ROW("wrong elements", wrong);
	ROW_SECONDS("wall clock, s", wall_seconds);
	ROW_SECONDS("CPU of all ranks, s", cpu_seconds);
	printf("  (1) of the device whose memory it is; udmabuf has none, so the CPU does a GPU's work there\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Tells whether every byte of a run went where it must.",
	};
	struct run_figures devmem = { 0 }, plain = { 0 };
	struct failure failure = { 0 };
	struct args args = { .hosts = 2 };
	unsigned int failures = 0;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if ((args.devmem && load(&args, args.devmem, "start", "devmem", &devmem, &failure)) ||
	    (args.plain && load(&args, args.plain, "devmem", "plain", &plain, &failure))) {
		fprintf(stderr, "verdict: %s\n", failure.text);
		return EXIT_USAGE;
	}
	show(args.devmem ? &devmem : NULL, args.plain ? &plain : NULL);
	if (args.devmem)
		failures += verdict_devmem(&devmem, stderr);
	if (args.plain)
		failures += verdict_plain(&plain, stderr);
	if (!failures)
		printf("Every figure is as it must be.\n");
	return failures ? EXIT_NOT_AS_IT_MUST : EXIT_SUCCESS;
}

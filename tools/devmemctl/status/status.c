// SPDX-License-Identifier: BSD-3-Clause
/* devmemctl status: devices, queues, connections and counters, as they are now. */
#include "status.h"
#include "devmemctl.h"
#include "lease.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OPTION_ALL = 256, OPTION_METRICS, OPTION_LEASE_DIR };

struct wishes {
	bool json, watch, all;
	double interval; /* seconds */
	const char *metrics, *lease_dir;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct wishes *wishes = state->input;
	char *end;

	switch (key) {
	case 'j':
		wishes->json = true;
		return 0;
	case 'w':
		wishes->watch = true;
		return 0;
	case 'i':
		wishes->interval = strtod(arg, &end);
		if (*end || !(wishes->interval >= 0.1 && wishes->interval <= 3600))
			argp_error(state, "--interval takes seconds, 0.1 to 3600, not '%s'", arg);
		return 0;
	case OPTION_ALL:
		wishes->all = true;
		return 0;
	case OPTION_METRICS:
		wishes->metrics = arg;
		return 0;
	case OPTION_LEASE_DIR:
		wishes->lease_dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void pause_for(double seconds)
{
	struct timespec time = {.tv_sec = (time_t)seconds,
				.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

	nanosleep(&time, NULL);
}

static int show(const struct wishes *wishes, const struct facts *facts, const struct status *status)
{
	if (wishes->json)
		return status_print_json(facts, status, wishes->watch);
	if (wishes->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	return status_print(facts, status, wishes->all);
}

/* One look after the other, so that there are rates. */
static int run(const struct wishes *wishes, struct facts *facts, struct devmem_error *err)
{
	struct status before, now;
	int ret = status_take(wishes->lease_dir, wishes->metrics, &before, err);

	while (!ret && !interrupted) {
		pause_for(wishes->interval);
		facts_devices_again(facts);
		ret = status_take(wishes->lease_dir, wishes->metrics, &now, err);
		if (ret)
			break;
		status_rates(&now, &before);
		status_free(&before);
		before = now;
		if (show(wishes, facts, &now))
			ret = devmem_error_set(err, -EIO, "cannot print: %m");
		if (!wishes->watch)
			break;
	}
	status_free(&before);
	return ret;
}

int cmd_status(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', 0, 0, "Print JSON; with --watch an object on a line each time", 0},
		{"watch", 'w', 0, 0, "Again and again, until interrupted", 0},
		{"interval", 'i', "SECONDS", 0, "That rates are of, and to wait (default 1)", 0},
		{"all", OPTION_ALL, 0, 0, "All connections, not only the 20 fastest", 0},
		{"metrics", OPTION_METRICS, "DIR", 0,
		 "Where processes write counters (default NCCL_DEVMEM_METRICS)", 0},
		{"lease-dir", OPTION_LEASE_DIR, "DIR", 0,
		 "Where leases are noted (default NCCL_DEVMEM_LEASE_DIR, else " LEASE_DIR ")", 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Shows what is used for device memory TCP now: NICs and what the plugin "
		       "would use them for, rx queues that are leased or bound, connections, "
		       "counters of processes. Changes nothing; without privilege it shows less "
		       "of other users' processes.\v"
		       "Exit status: 0; 2 when it could not be looked at or printed.",
	};
	struct sigaction action = {.sa_handler = interrupt};
	struct wishes wishes = {.interval = 1};
	struct facts *facts = calloc(1, sizeof(*facts));
	struct devmem_error err = {0};
	int ret = -ENOMEM;

	argp_parse(&argp, argc, argv, 0, NULL, &wishes);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (facts) {
		facts_devices(facts);
		/* After that, since NCCL's configuration files may set them. */
		wishes.metrics = wishes.metrics ?: getenv("NCCL_DEVMEM_METRICS");
		wishes.lease_dir = wishes.lease_dir ?: getenv("NCCL_DEVMEM_LEASE_DIR") ?: LEASE_DIR;
		ret = run(&wishes, facts, &err);
	}
	if (ret)
		fprintf(stderr, "%s: %s\n", argv[0], err.code ? err.text : "out of memory");
	free(facts);
	return ret ? EXIT_BROKEN : EXIT_GOOD;
}

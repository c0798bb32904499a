// SPDX-License-Identifier: BSD-3-Clause
/* devmemctl check: everything that must be so for device memory TCP, and what mends it. */
#include "check.h"
#include "devmemctl.h"

#include <stdlib.h>
#include <string.h>

enum {
	OPTION_FIX = 256,
	OPTION_PEER,
	OPTION_RSH,
	OPTION_NCCL,
	OPTION_ADDRESS,
	OPTION_REMOTE,
	OPTION_BYTES
};

struct wishes {
	bool json, fix;
	const char *nccl;
	struct peer_options peer;
};

static uint64_t parse_size(struct argp_state *state, const char *text)
{
	static const char units[] = "KMG";
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (!value || value > 1 << 20 || !unit || end[1])
		argp_error(state, "--bytes takes a size such as 64M or 4G, not '%s'", text);
	return unit ? value << (10 * (unit - units + 1)) : 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct wishes *wishes = state->input;

	switch (key) {
	case 'j':
		wishes->json = wishes->peer.json = true;
		return 0;
	case OPTION_FIX:
		wishes->fix = true;
		return 0;
	case OPTION_NCCL:
		wishes->nccl = arg;
		return 0;
	case OPTION_PEER:
		wishes->peer.host = arg;
		return 0;
	case OPTION_RSH:
		wishes->peer.rsh = arg;
		return 0;
	case OPTION_ADDRESS:
		wishes->peer.address = arg;
		return 0;
	case OPTION_REMOTE:
		wishes->peer.remote = arg;
		return 0;
	case OPTION_BYTES:
		wishes->peer.bytes = parse_size(state, arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_usage(state);
		return EINVAL;
	case ARGP_KEY_END:
		if (wishes->fix && wishes->peer.host)
			argp_error(state, "--fix and --peer are done one after the other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int look(const struct wishes *wishes, struct facts *facts, struct findings *findings)
{
	memset(facts, 0, sizeof(*facts));
	facts_gather(facts, wishes->nccl);
	return findings_of(facts, findings);
}

/* Mends, then looks again: only what is seen counts. */
static int mend(const struct wishes *wishes, struct facts *facts, struct findings *findings)
{
	int n = check_fix(facts, findings);

	if (n <= 0)
		return n;
	free(findings->list);
	return look(wishes, facts, findings);
}

static int check(const struct wishes *wishes, const char *name)
{
	static const int statuses[] = {
		[FINDING_OK] = EXIT_GOOD, [FINDING_WARN] = 1, [FINDING_FAIL] = 2};
	struct facts *facts = malloc(sizeof(*facts));
	struct findings findings = {0};
	int status = EXIT_BROKEN;

	if (!facts || look(wishes, facts, &findings)) {
		fprintf(stderr, "%s: out of memory\n", name);
	} else if (wishes->peer.host) {
		status = check_peer(facts, &wishes->peer);
	} else {
		int failed = wishes->fix ? mend(wishes, facts, &findings) : 0;

		if ((wishes->json ? check_print_json : check_print)(stdout, facts, &findings))
			fprintf(stderr, "%s: cannot print the findings: %m\n", name);
		else
			status = failed < 0 ? EXIT_BROKEN : statuses[findings_worst(&findings)];
	}
	free(findings.list);
	free(facts);
	return status;
}

int cmd_check(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', 0, 0, "Print JSON", 0},
		{"fix", OPTION_FIX, 0, 0,
		 "Run what mends something and harms nobody, each command after it was shown; asks "
		 "on a terminal",
		 0},
		{"nccl", OPTION_NCCL, "PATH", 0,
		 "NCCL's library, if the loader does not find the one that the job uses", 0},
		{"peer", OPTION_PEER, "HOST", 0,
		 "Move data to and from HOST instead, and tell what each step costs", 1},
		{"address", OPTION_ADDRESS, "ADDR", 0, "The address of HOST's NIC (default HOST)",
		 1},
		{"rsh", OPTION_RSH, "COMMAND", 0, "How to run a command on HOST (default ssh)", 1},
		{"remote", OPTION_REMOTE, "PATH", 0, "devmemcat on HOST (default where it is here)",
		 1},
		{"bytes", OPTION_BYTES, "SIZE", 0, "To move in each step (default 1G)", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Looks at everything that must be so for NCCL over device memory TCP, in "
		       "the order in which to put it right, and prints what mends it.\v"
		       "Exit status: 0 all is in order; 1 something warns; 2 something fails, or "
		       "could not be looked at.",
	};
	struct wishes wishes = {.peer = {.bytes = 1 << 30}};

	argp_parse(&argp, argc, argv, 0, NULL, &wishes);
	return check(&wishes, argv[0]);
}

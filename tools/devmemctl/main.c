// SPDX-License-Identifier: BSD-3-Clause
/* devmemctl: finds the subcommand and hands the rest of the command line to it. */
#include "devmemctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"check", cmd_check, "what keeps NCCL from device memory TCP here, and what mends it"},
	{"lease", cmd_lease, "who holds receive queues, as devmemd knows it; ends a lease"},
	{"status", cmd_status, "what is used now: queues, connections with rates, counters"},
	{"params", cmd_params, "the plugin's variables: values, defaults, what they may be"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static char *list_commands(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size;
	FILE *stream;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	stream = open_memstream(&list, &size);
	if (!stream)
		return (char *)text;
	fputs("Commands:\n", stream);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(stream, "  %-12s %s\n", commands[i].name, commands[i].help);
	fputs("\ndevmemctl COMMAND --help tells more of one.", stream);
	return fclose(stream) ? (char *)text : list;
}

static int run(struct argp_state *state, const char *name)
{
	char *rest = state->argv[state->next - 1], *full;
	int status = EXIT_BROKEN;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name))
			continue;
		if (asprintf(&full, "%s %s", state->name, name) < 0)
			return status;
		state->argv[state->next - 1] = full;
		status = commands[i].run(state->argc - state->next + 1,
					 state->argv + state->next - 1);
		state->argv[state->next - 1] = rest;
		free(full);
		return status;
	}
	argp_error(state, "there is no command '%s'", name);
	return status;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		*(int *)state->input = run(state, arg);
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = "Looks at what NCCL's devmem plugin has to do with on this machine.\v",
		.help_filter = list_commands,
	};
	int status = EXIT_GOOD;

	/* Set here, since a definition of ours would be hidden from libc. */
	argp_program_version = "devmemctl " DEVMEM_VERSION;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &status);
	return status;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The command line of get_curl. */
#include "get_curl_args.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_values.h"
#include "size.h"

enum long_option { OPTION_INDEX = 0x100, OPTION_BASE, OPTION_LARGEST, OPTION_SHA256, OPTION_JSON };

static const struct argp_option option_list[] = {
	{"index", OPTION_INDEX, "FILE", 0, "Fetch the objects that its lines name, too", 1},
	{"base", OPTION_BASE, "URL", 0, "What goes before each line of the index", 1},
	{"connections", 'n', "N", 0, "At once, and as many slots for objects (default 4)", 2},
	{"exporter", 'e', "KIND", 0,
	 "Where objects are copied to: udmabuf (default), dmvram, cuda or host", 2},
	{"largest", OPTION_LARGEST, "BYTES", 0, "That an object may have (default 32M)", 2},
	{"sha256", OPTION_SHA256, 0, 0, "Print \"HASH  URL\" of each object in device memory", 3},
	{"json", OPTION_JSON, "FILE", 0, "Write the figures there", 3},
	{0},
};

static const char doc[] =
	"Fetches objects of web servers by libcurl into host memory, and copies each to device "
	"memory."
	"\vExit status: 0, 1 when an object could not be fetched, 2 for wrong usage, 4 when memory "
	"or libcurl could not be set up.";

static void add_url(struct argp_state *state, const char *base, const char *name)
{
	struct get_options *o = state->input;
	char **urls = reallocarray(o->urls, o->n + 1, sizeof(*urls));

	if (!urls || asprintf(&urls[o->n], "%s%s", base, name) < 0)
		argp_failure(state, GET_EXIT_SETUP, ENOMEM, "URLs");
	o->urls = urls;
	o->n++;
}

static void read_index(struct argp_state *state)
{
	struct get_options *o = state->input;
	FILE *file = fopen(o->index, "re");
	char *line = NULL;
	size_t room = 0;

	if (!file)
		argp_failure(state, GET_EXIT_USAGE, errno, "--index %s", o->index);
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			add_url(state, o->base ? o->base : "", line);
	}
	free(line);
	fclose(file);
}

static void finish(struct argp_state *state)
{
	struct get_options *o = state->input;

	if (o->index)
		read_index(state);
	if (!o->n)
		argp_error(state, "no URL: give one, or an --index");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct get_options *o = state->input;

	switch (key) {
	case OPTION_INDEX:
		o->index = arg;
		break;
	case OPTION_BASE:
		o->base = arg;
		break;
	case 'n':
		o->connections = option_number(state, "--connections", arg, 1, GET_MAX_CONNECTIONS);
		break;
	case 'e':
		o->kind = option_memory(state, "--exporter", arg);
		break;
	case OPTION_LARGEST:
		if (!size_parse(arg, &o->largest) || !o->largest || o->largest > SIZE_MAX / 1024)
			argp_error(state, "--largest '%s': give a size such as 32M", arg);
		break;
	case OPTION_SHA256:
		o->sha256 = true;
		break;
	case OPTION_JSON:
		o->json = arg;
		break;
	case ARGP_KEY_ARG:
		add_url(state, "", arg);
		break;
	case ARGP_KEY_END:
		finish(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void get_options_parse(int argc, char **argv, struct get_options *options)
{
	static const struct argp argp = {
		.options = option_list, .parser = parse, .args_doc = "[URL...]", .doc = doc};

	*options = (struct get_options){
		.connections = 4, .largest = 32 << 20, .kind = DEVMEM_MEM_UDMABUF};
	argp_err_exit_status = GET_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}

void get_options_free(struct get_options *options)
{
	for (size_t i = 0; i < options->n; i++)
		free(options->urls[i]);
	free(options->urls);
}

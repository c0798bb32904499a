// SPDX-License-Identifier: BSD-3-Clause
/* The command line of devmemget. */
#include "options.h"
#include "words.h"

#include <argp.h>
#include <string.h>

#define DEFAULT_WINDOW (UINT64_C(128) << 20)
#define MAX_SECONDS 86400
#define MAX_TRIES 1000

enum long_option {
	OPTION_INDEX = 0x100,
	OPTION_BASE,
	OPTION_SHA256,
	OPTION_POOL,
	OPTION_PART,
	OPTION_WINDOW,
	OPTION_TRIES,
	OPTION_TIMEOUT,
	OPTION_HOLD,
	OPTION_JSON,
	OPTION_LEASE_DIR,
	OPTION_BROKER,
	OPTION_QUIET,
};

static const struct argp_option table[] = {
	{0, 0, 0, 0, "Objects:", 1},
	{"index", OPTION_INDEX, "FILE|URL", 0,
	 "Fetch the objects of this index: a URL or path in each line, or an S3 listing", 1},
	{"base", OPTION_BASE, "URL", 0,
	 "What paths of the index are relative to (default: the index's own URL)", 1},
	{"output", 'o', "FILE|DIR/", 0,
	 "Save the object as FILE, or each under its name in DIR; dev (default): leave it in "
	 "device memory",
	 1},
	{"sha256", OPTION_SHA256, 0, 0, "Print each object's hash, as sha256sum does", 1},
	{0, 0, 0, 0, "Device memory and NIC:", 2},
	{"exporter", 'e', "KIND", 0, "Memory: auto (default), or one of those below", 2},
	{"interface", 'i', "IF", 0, "NIC (default: by the route to the first server)", 2},
	{"queues", 'q', "N", 0, "Lease N rx queues (default 1)", 2},
	{"pool", OPTION_POOL, "SIZE", 0, "Device memory that the NIC writes to (default 64M)", 2},
	{"window", OPTION_WINDOW, "SIZE", 0,
	 "Device memory that the objects pass through, at least the largest (default 128M)", 2},
	{"lease-dir", OPTION_LEASE_DIR, "DIR", 0, "Where leases of rx queues are noted", 2},
	{"broker", OPTION_BROKER, "WHICH", 0, "devmemd: auto (default), off, or its socket's path",
	 2},
	{0, 0, 0, 0, "Transfer:", 3},
	{"connections", 'n', "N", 0, "At once (default 4)", 3},
	{"part", OPTION_PART, "SIZE", 0,
	 "Fetch larger objects by ranges of this size, several at once (default 16M)", 3},
	{"tries", OPTION_TRIES, "N", 0, "Of a request that brings nothing new (default 6)", 3},
	{"timeout", OPTION_TIMEOUT, "SECONDS", 0, "Without a byte from the server (default 30)", 3},
	{"hold", OPTION_HOLD, "MS", 0, "Keep each object so long: a slow consumer", 3},
	{0, 0, 0, 0, "Output:", 4},
	{"quiet", OPTION_QUIET, 0, 0, "Show no progress, and no line for each object", 4},
	{"json", OPTION_JSON, "FILE", OPTION_ARG_OPTIONAL,
	 "Tell at the end where bytes went, on "
	 "stderr or in FILE",
	 4},
	{0},
};

static const char doc[] =
	"Fetches objects from ordinary web servers into device memory: the NIC writes them there, "
	"and the device's copy engine brings each to one piece."
	"\vPlain HTTP/1.1 only: payload in device memory is unreadable to the CPU, so that https "
	"cannot be decrypted on the way.\n"
	"Exit status: 0 all fetched, 1 some object failed, 2 wrong usage, 4 device memory or NIC "
	"could not be set up, 128+N signal N.";

static bool parse_object(int key, char *arg, struct options *options)
{
	switch (key) {
	case OPTION_INDEX:
		options->index = arg;
		return true;
	case OPTION_BASE:
		options->base = arg;
		return true;
	case 'o':
		options->output = strcmp(arg, "dev") ? arg : NULL;
		return true;
	case OPTION_SHA256:
		options->sha256 = true;
		return true;
	case OPTION_QUIET:
		options->quiet = true;
		return true;
	case OPTION_JSON:
		options->json = options->http.count_copies = true;
		options->json_file = arg;
		return true;
	default:
		return false;
	}
}

static bool parse_device(int key, char *arg, struct argp_state *state, struct options *options)
{
	struct devmem_http_options *http = &options->http;

	switch (key) {
	case 'e':
		words_kind(state, arg, &options->any_kind, &options->kind);
		return true;
	case 'i':
		options->interface = arg;
		return true;
	case 'q':
		http->queues = (unsigned int)words_number(state, "--queues", arg, 1,
							  DEVMEM_PORT_QUEUES);
		return true;
	case OPTION_POOL:
		http->pool_bytes = words_size(state, "--pool", arg, 1);
		return true;
	case OPTION_WINDOW:
		options->window_bytes = words_size(state, "--window", arg, 1);
		return true;
	case OPTION_LEASE_DIR:
		http->lease_dir = arg;
		return true;
	case OPTION_BROKER:
		http->broker = arg;
		return true;
	default:
		return false;
	}
}

static bool parse_transfer(int key, char *arg, struct argp_state *state, struct options *options)
{
	struct devmem_http_options *http = &options->http;

	switch (key) {
	case 'n':
		http->connections = (unsigned int)words_number(state, "--connections", arg, 1,
							       DEVMEM_HTTP_CONNECTIONS);
		return true;
	case OPTION_PART:
		http->part_bytes = words_size(state, "--part", arg, 1);
		return true;
	case OPTION_TRIES:
		http->tries = (unsigned int)words_number(state, "--tries", arg, 1, MAX_TRIES);
		return true;
	case OPTION_TIMEOUT:
		http->timeout_ms = 1000 * (unsigned int)words_number(state, "--timeout", arg, 1,
								     MAX_SECONDS);
		return true;
	case OPTION_HOLD:
		options->hold_ms = (unsigned int)words_number(state, "--hold", arg, 0,
							      1000 * MAX_SECONDS);
		return true;
	default:
		return false;
	}
}

static void check(struct argp_state *state, const struct options *options)
{
	bool folder = options->output && options->output[0] &&
		      options->output[strlen(options->output) - 1] == '/';

	if (options->index && options->n_urls)
		argp_error(state, "give URLs, or an index of them, not both");
	if (!options->index && !options->n_urls)
		argp_error(state, "give a URL, or --index");
	if (options->base && !options->index)
		argp_error(state, "--base is about the paths of an --index");
	if (options->output && !folder && (options->index || options->n_urls > 1))
		argp_error(state, "-o '%s' can hold one object: end it in / for a folder of many",
			   options->output);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	if (key == ARGP_KEY_ARGS) {
		options->urls = state->argv + state->next;
		options->n_urls = (unsigned int)(state->argc - state->next);
	} else if (key == ARGP_KEY_END) {
		check(state, options);
	} else if (key == ARGP_KEY_ARG ||
		   (!parse_object(key, arg, options) && !parse_device(key, arg, state, options) &&
		    !parse_transfer(key, arg, state, options))) {
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(int argc, char **argv, struct options *options)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "URL...\n--index=FILE|URL",
		.doc = doc,
		.help_filter = words_help_filter,
	};

	*options = (struct options){.any_kind = true, .window_bytes = DEFAULT_WINDOW};
	argp_err_exit_status = EXIT_STATUS_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}

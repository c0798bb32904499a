// SPDX-License-Identifier: BSD-3-Clause
/* The command line of devmemcat: parsing, and the rules between options. */
#include "options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease.h"
#include "words.h"

#define DEFAULT_POOL (UINT64_C(64) << 20)
#define DEFAULT_CACHE (UINT64_C(64) << 20)
#define MIN_CACHE (UINT64_C(16) << 20)
#define DEFAULT_TIMEOUT_S 60
#define MAX_SECONDS 86400

enum long_option {
	OPTION_QUEUES = 0x100,
	OPTION_QUEUE,
	OPTION_EXPORTER,
	OPTION_POOL,
	OPTION_LEASE_DIR,
	OPTION_NO_SETUP,
	OPTION_VALIDATE,
	OPTION_BYTES,
	OPTION_EXPECT,
	OPTION_SEND_ONLY,
	OPTION_RECV_ONLY,
	OPTION_STATS,
	OPTION_NO_STATS,
	OPTION_JSON,
	OPTION_SERVE,
	OPTION_CACHE,
};

static const struct argp_option table[] = {
	{0, 0, 0, 0, "Connection:", 1},
	{"serve", OPTION_SERVE, "DIR", 0,
	 "Be an HTTP server of the files in DIR, sent from device memory, until a signal comes", 1},
	{"listen", 'l', 0, 0, "Wait for one connection instead of making one", 1},
	{0, '4', 0, 0, "IPv4 only", 1},
	{0, '6', 0, 0, "IPv6 only", 1},
	{"timeout", 'w', "SECONDS", 0,
	 "Give up a connection that cannot be made or a peer that does not answer (default "
	 "60); when given, also waiting for a client and a transfer in which nothing moves; with "
	 "--serve, a client that takes or asks for nothing",
	 1},
	{"quit", 'q', "SECONDS", 0,
	 "After the end of input wait so long for the peer's end, not for ever", 1},
	{0, 0, 0, 0, "Data:", 2},
	{"send-only", OPTION_SEND_ONLY, 0, 0, "Receive nothing: needs no privilege", 2},
	{"recv-only", OPTION_RECV_ONLY, 0, 0, "Send nothing", 2},
	{0, 'd', 0, 0, "Do not read stdin (the same as --recv-only)", 2},
	{"validate", OPTION_VALIDATE, "SEED", OPTION_ARG_OPTIONAL,
	 "Compare what is received with a pattern, write nothing (default seed 1)", 2},
	{"bytes", OPTION_BYTES, "SIZE", 0, "Send so much of that pattern instead of stdin", 2},
	{"expect", OPTION_EXPECT, "SIZE", 0, "Fail unless exactly so much is received", 2},
	{0, 0, 0, 0, "Device memory and NIC:", 3},
	{"interface", 'i', "IF", 0, "NIC (default: that of the local address)", 3},
	{"queues", OPTION_QUEUES, "N", 0, "Bind N rx queues (default 1), the highest free ones", 3},
	{"queue", OPTION_QUEUE, "LIST", 0,
	 "Bind these rx queues, as in 3 or 4-7; the first takes the connection", 3},
	{"exporter", OPTION_EXPORTER, "KIND", 0, "Memory: auto (default), or one of those below",
	 3},
	{"pool", OPTION_POOL, "MB", 0, "MiB of device memory to receive into (default 64)", 3},
	{"cache", OPTION_CACHE, "SIZE", 0,
	 "With --serve: device memory that keeps files (default 64M, at least 16M)", 3},
	{"lease-dir", OPTION_LEASE_DIR, "DIR", 0,
	 "Where leases of rx queues are noted (default " LEASE_DIR ")", 3},
	{"no-setup", OPTION_NO_SETUP, 0, 0,
	 "Leave steering and header split as they are; receive into host memory unless "
	 "--queue says where the flow goes",
	 3},
	{0, 0, 0, 0, "Output:", 4},
	{"verbose", 'v', 0, 0, "Say what is done; on a terminal, how far it is", 4},
	{"stats", OPTION_STATS, 0, 0, "Tell at the end where the bytes went (default)", 4},
	{"no-stats", OPTION_NO_STATS, 0, 0, "Do not", 4},
	{"json", OPTION_JSON, "FILE", OPTION_ARG_OPTIONAL, "Tell it as JSON, on stderr or in FILE",
	 4},
	{0},
};

static const char doc[] =
	"Netcat to and from device memory: stdin is sent from device memory and what is received "
	"lands in device memory, then goes to stdout. With --serve, files to any HTTP client."
	"\vThe other side may be any TCP program, such as nc -N.\n"
	"Exit status: 0 done, 1 connection or transfer failed, 2 wrong usage, 3 wrong bytes "
	"(--validate, --expect), 4 device memory or NIC could not be set up, 128+N signal N.";

static void set_queues(struct argp_state *state, struct options *options, const char *text)
{
	if (!text_queues(text, &options->queues))
		argp_error(state,
			   "--queue '%s': give up to %d different queues such as 3 or 4-7; queue 0 "
			   "takes the traffic that no rule steers",
			   text, QUEUE_LIST_MAX);
}

/* Options of the NIC and its memory. */
static bool parse_device(int key, char *arg, struct argp_state *state, struct options *options)
{
	switch (key) {
	case 'i':
		options->interface = arg;
		return true;
	case OPTION_QUEUES:
		options->n_queues = (unsigned int)words_number(state, "--queues", arg, 1,
							       QUEUE_LIST_MAX);
		return true;
	case OPTION_QUEUE:
		set_queues(state, options, arg);
		return true;
	case OPTION_EXPORTER:
		words_kind(state, arg, &options->any_kind, &options->kind);
		return true;
	case OPTION_POOL:
		options->pool_bytes = words_number(state, "--pool", arg, 1, 1 << 20) << 20;
		return true;
	case OPTION_CACHE:
		options->cache_bytes = words_size(state, "--cache", arg, 0);
		if (options->cache_bytes < MIN_CACHE)
			argp_error(state, "--cache '%s': give 16M or more", arg);
		return true;
	case OPTION_LEASE_DIR:
		options->lease_dir = arg;
		return true;
	case OPTION_NO_SETUP:
		options->no_setup = true;
		return true;
	default:
		return false;
	}
}

/* Options of what is sent, received and told. */
static bool parse_data(int key, char *arg, struct argp_state *state, struct options *options)
{
	switch (key) {
	case OPTION_SEND_ONLY:
		options->send_only = true;
		return true;
	case OPTION_RECV_ONLY:
	case 'd':
		options->recv_only = true;
		return true;
	case OPTION_VALIDATE:
		options->validate = true;
		options->seed = arg ? words_number(state, "--validate", arg, 0, UINT64_MAX) : 1;
		return true;
	case OPTION_BYTES:
		options->generate = words_size(state, "--bytes", arg, 0);
		if (!options->generate)
			argp_error(state, "--bytes 0: give a size such as 8, 64K or 1G");
		return true;
	case OPTION_EXPECT:
		options->expect_known = true;
		options->expect = words_size(state, "--expect", arg, 0);
		return true;
	case OPTION_STATS:
	case OPTION_NO_STATS:
		options->stats = key == OPTION_STATS;
		return true;
	case OPTION_JSON:
		options->json = true;
		options->json_file = arg;
		return true;
	default:
		return false;
	}
}

static bool parse_connection(int key, char *arg, struct argp_state *state, struct options *options)
{
	switch (key) {
	case 'l':
		options->listen = true;
		return true;
	case OPTION_SERVE:
		options->serve_dir = arg;
		return true;
	case '4':
	case '6':
		options->family = key == '4' ? AF_INET : AF_INET6;
		return true;
	case 'w':
		options->timeout_s = (unsigned int)words_number(state, "--timeout", arg, 1,
								MAX_SECONDS);
		options->timeout_given = true;
		return true;
	case 'q':
		options->quit_s = (int)words_number(state, "--quit", arg, 0, MAX_SECONDS);
		return true;
	case 'v':
		options->verbose = true;
		return true;
	default:
		return false;
	}
}

static void take_word(struct argp_state *state, struct options *options, char *word)
{
	if (state->arg_num > 1)
		argp_error(state, "'%s' is one word too many", word);
	options->host = options->port;
	options->port = word;
}

static void check(struct argp_state *state, const struct options *options)
{
	bool listens = options->listen || options->serve_dir;

	if (!options->port)
		argp_error(state, listens ? "give a PORT to listen on"
					  : "give a HOST and a PORT to connect to");
	if (!listens && !options->host)
		argp_error(state, "give a HOST before the port '%s', or -l to listen on it",
			   options->port);
	if (options->serve_dir && (options->listen || options->send_only || options->recv_only ||
				   options->validate || options->generate || options->expect_known))
		argp_error(state,
			   "--serve is a server of files: -l and the options of data are for "
			   "netcat");
	if (options->send_only && options->recv_only)
		argp_error(state, "--send-only and --recv-only exclude each other");
	if (options->generate && !options->validate)
		argp_error(state, "--bytes generates the pattern of --validate: give that too");
	if (options->generate && options->recv_only)
		argp_error(state, "--bytes sends, --recv-only does not");
	if (options->send_only && options->expect_known)
		argp_error(state, "--expect is about receiving, --send-only does not receive");
	if (options->send_only && options->validate && !options->generate)
		argp_error(state, "--validate with --send-only needs --bytes: how much to send");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	if (key == ARGP_KEY_ARG)
		take_word(state, options, arg);
	else if (key == ARGP_KEY_END)
		check(state, options);
	else if (!parse_connection(key, arg, state, options) &&
		 !parse_data(key, arg, state, options) && !parse_device(key, arg, state, options))
		return ARGP_ERR_UNKNOWN;
	return 0;
}

void options_parse(int argc, char **argv, struct options *options)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "HOST PORT\n-l [ADDRESS] PORT\n--serve DIR [ADDRESS] PORT",
		.doc = doc,
		.help_filter = words_help_filter,
	};

	*options = (struct options){
		.family = AF_UNSPEC,
		.n_queues = 1,
		.any_kind = true,
		.pool_bytes = DEFAULT_POOL,
		.cache_bytes = DEFAULT_CACHE,
		.lease_dir = LEASE_DIR,
		.seed = 1,
		.quit_s = -1,
		.timeout_s = DEFAULT_TIMEOUT_S,
		.stats = true,
	};
	argp_err_exit_status = EXIT_STATUS_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	/* Who only compares has nothing to say. */
	if (options->validate && !options->generate)
		options->recv_only = true;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The command line of p2p. */
#include "p2p_args.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "option_values.h"
#include "p2p.h"
#include "size.h"

enum long_option {
	OPTION_PLUGIN = 0x100,
	OPTION_LATENCY,
	OPTION_TIMEOUT,
	OPTION_CONNECT,
	OPTION_MEMORY,
	OPTION_NIC
};

static const struct argp_option option_list[] = {
	{"plugin", OPTION_PLUGIN, "FILE[:NAME=VALUE,...]", 0,
	 "Net plugin, a file or X for libnccl-net-X.so (default devmem); after a colon variables "
	 "that it is to find: devmem:NCCL_DEVMEM_PLAN=host; several: measured in turns, ratios "
	 "against the first",
	 1},
	{"size", 's', "SIZES", 0, "Message sizes, with commas (default 64K,1M,4M)", 2},
	{"channels", 'C', "NUMBERS", 0,
	 "Channels, each with a connection of its own (default 1,4,16)", 2},
	{"depth", 'd', "N", 0, "Requests in flight per channel, 1 to 32 (default 4)", 2},
	{"bidirectional", 'B', 0, 0, "Data in both directions at once", 2},
	{"memory", OPTION_MEMORY, "KIND", 0,
	 "Where messages are: host (default), cuda, or udmabuf or dmvram, which stand in for a "
	 "GPU's "
	 "memory",
	 2},
	{"repeat", 'r', "N", 0, "Runs of each point, of which the median is shown (default 5)", 3},
	{"volume", 'v', "SIZE", 0, "Bytes of each run and direction (default 512M)", 3},
	{"latency", OPTION_LATENCY, "N", 0,
	 "Round trips of 8 bytes for each run of the latency (default 10000; 0: none)", 3},
	{"connect", OPTION_CONNECT, "N", 0,
	 "Instead: set up N connections from each rank to the other, 1 to 4096, and tell how long "
	 "it took",
	 3},
	{"timeout", OPTION_TIMEOUT, "SECONDS", 0,
	 "Give up when nothing moves for that long (default 30)", 4},
	{"nic", OPTION_NIC, "NICS", 0,
	 "Also show the time that these interfaces of both hosts, dmnics, with commas, spend on "
	 "what hardware would do",
	 4},
	{"json", 'J', "FILE", 0, "Also write the results there", 4},
	{0},
};

static const char doc[] =
	"Bandwidth, latency and CPU time of NCCL net plugins between two ranks."
	"\vRun it under mpirun -n 2. All bytes of a separate, untimed run are verified.\n"
	"Exit status: 0, 1 when data was wrong, 2 for wrong usage, 3 when a call failed or nothing "
	"moved.";

static unsigned int list(struct argp_state *state, const char *name, const char *text, uint64_t max,
			 uint64_t *values)
{
	char *copy = strdup(text), *rest = copy, *word;
	unsigned int n = 0;

	while ((word = strsep(&rest, ","))) {
		if (n == MAX_LIST)
			argp_error(state, "%s takes %d values", name, MAX_LIST);
		if (!size_parse(word, &values[n]) || values[n] == 0 || values[n] > max)
			argp_error(state, "%s '%s': give numbers from 1 to %lu, such as 8 or 64K",
				   name, word, max);
		n++;
	}
	free(copy);
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPTION_PLUGIN:
		option_plugin(state, arg, o->plugins, &o->n_plugins);
		break;
	case 's':
		o->n_sizes = list(state, "--size", arg, 1 << 30, o->sizes);
		break;
	case 'C':
		o->n_channels = list(state, "--channels", arg, P2P_MAX_CHANNELS, o->channels);
		break;
	case 'd':
		o->depth = option_number(state, "--depth", arg, 1, P2P_MAX_DEPTH);
		break;
	case 'B':
		o->both = true;
		break;
	case 'r':
		o->reps = option_number(state, "--repeat", arg, 1, MAX_REPS);
		break;
	case 'v':
		o->volume = option_size(state, "--volume", arg);
		break;
	case OPTION_LATENCY:
		o->latency = option_number(state, "--latency", arg, 0, 10000000);
		break;
	case OPTION_CONNECT:
		o->connect = option_number(state, "--connect", arg, 1, MAX_CONNECT);
		break;
	case OPTION_TIMEOUT:
		o->timeout = option_number(state, "--timeout", arg, 1, 86400);
		break;
	case OPTION_MEMORY:
		o->memory = option_memory(state, "--memory", arg);
		break;
	case OPTION_NIC:
		o->nic = arg;
		break;
	case 'J':
		o->json = arg;
		break;
	case ARGP_KEY_END:
		if (!o->n_plugins)
			option_plugin(state, "devmem", o->plugins, &o->n_plugins);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(int argc, char **argv, struct options *o)
{
	static const struct argp argp = {.options = option_list, .parser = parse, .doc = doc};

	*o = (struct options){
		.sizes = {64 << 10, 1 << 20, 4 << 20},
		.n_sizes = 3,
		.channels = {1, 4, 16},
		.n_channels = 3,
		.depth = 4,
		.reps = 5,
		.latency = 10000,
		.timeout = 30,
		.memory = DEVMEM_MEM_HOST,
		.volume = (uint64_t)512 << 20,
	};
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, o);
}

void options_free(struct options *o)
{
	for (unsigned int p = 0; p < o->n_plugins; p++)
		plugin_spec_free(&o->plugins[p]);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The command line of p2p. */
#include "p2p_args.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "p2p.h"
#include "size.h"

enum long_option {
	OPTION_PLUGIN = 0x100,
	OPTION_LATENCY,
	OPTION_TIMEOUT,
	OPTION_CONNECT,
	OPTION_MEMORY,
	OPTION_JSON,
	OPTION_NIC
};

static const struct argp_option option_list[] = {
	{"plugin", OPTION_PLUGIN, "FILE", 0,
	 "Net plugin, a file or X for libnccl-net-X.so; several: measured in turns, ratios against "
	 "the first (default devmem)",
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
	{"json", OPTION_JSON, "FILE", 0, "Also write the results there", 4},
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

static unsigned int number(struct argp_state *state, const char *name, const char *text,
			   unsigned int min, unsigned int max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || n < min || n > max)
		argp_error(state, "%s '%s': give a whole number from %u to %u", name, text, min,
			   max);
	return (unsigned int)n;
}

static enum devmem_mem_kind memory(struct argp_state *state, const char *text)
{
	static const enum devmem_mem_kind kinds[] = {DEVMEM_MEM_HOST, DEVMEM_MEM_UDMABUF,
						     DEVMEM_MEM_DMVRAM, DEVMEM_MEM_CUDA};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(devmem_mem_kind_name(kinds[i]), text) == 0)
			return kinds[i];
	argp_error(state, "--memory '%s': give host, udmabuf, dmvram or cuda", text);
	return DEVMEM_MEM_HOST;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPTION_PLUGIN:
		if (o->n_plugins == MAX_LIST)
			argp_error(state, "--plugin may be given %d times", MAX_LIST);
		o->plugins[o->n_plugins++] = arg;
		break;
	case 's':
		o->n_sizes = list(state, "--size", arg, 1 << 30, o->sizes);
		break;
	case 'C':
		o->n_channels = list(state, "--channels", arg, P2P_MAX_CHANNELS, o->channels);
		break;
	case 'd':
		o->depth = number(state, "--depth", arg, 1, P2P_MAX_DEPTH);
		break;
	case 'B':
		o->both = true;
		break;
	case 'r':
		o->reps = number(state, "--repeat", arg, 1, MAX_REPS);
		break;
	case 'v':
		if (!size_parse(arg, &o->volume) || o->volume == 0)
			argp_error(state, "--volume '%s': give a size such as 512M", arg);
		break;
	case OPTION_LATENCY:
		o->latency = number(state, "--latency", arg, 0, 10000000);
		break;
	case OPTION_CONNECT:
		o->connect = number(state, "--connect", arg, 1, MAX_CONNECT);
		break;
	case OPTION_TIMEOUT:
		o->timeout = number(state, "--timeout", arg, 1, 86400);
		break;
	case OPTION_MEMORY:
		o->memory = memory(state, arg);
		break;
	case OPTION_NIC:
		o->nic = arg;
		break;
	case OPTION_JSON:
		o->json = arg;
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
	if (!o->n_plugins)
		o->plugins[o->n_plugins++] = "devmem";
}

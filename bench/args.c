// SPDX-License-Identifier: BSD-3-Clause
/* The options of all collectives: parsing, and the rules between them. */
#include "args.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "option_values.h"

#define MAX_CHANNELS 64		/* NCCL's own limit */

enum long_option {
	OPTION_PLUGIN = 0x100,
	OPTION_REPEAT,
	OPTION_IN_PLACE,
	OPTION_ABI,
	OPTION_MEMORY,
	OPTION_FLUSH,
	OPTION_PROTO,
	OPTION_RANDOM,
	OPTION_SEED,
};

static const struct argp_option options[] = {
	{ "minbytes", 'b', "SIZE", 0, "Smallest size (default 32M); K, M and G are powers of 1024", 1 },
	{ "maxbytes", 'e', "SIZE", 0, "Largest size (default: the smallest)", 1 },
	{ "stepbytes", 'i', "SIZE", 0, "Add this from size to size (default 1M)", 1 },
	{ "stepfactor", 'f', "N", 0, "Multiply by this from size to size, instead", 1 },
	{ "datatype", 'd', "TYPE", 0, "float (default), int32, uint8", 1 },
	{ "op", 'o', "OP", 0, "sum", 1 },
	{ "root", 'r', "RANK", 0, "Root of broadcast (default 0)", 1 },
	{ "in-place", OPTION_IN_PLACE, 0, 0, "Also with one buffer for data and result, in columns of its own: allreduce, allgather, reducescatter, broadcast", 2 },
	{ "blocking", 'z', "0|1", 0, "1: wait for each run before the next is launched (default 0)", 2 },
	{ "iters", 'n', "N", 0, "Timed runs for each size (default 20)", 2 },
	{ "repeat", OPTION_REPEAT, "N", 0, "Time them that often, and show the median (default 1; with several plugins 5)", 2 },
	{ "warmup_iters", 'w', "N", 0, "Runs before them (default 5)", 2 },
	{ "check", 'c', "N", 0, "Runs of each size whose result every rank checks (default 1; 0: none)", 2 },
	{ "random", OPTION_RANDOM, "N", 0, "Instead: N runs of random sizes from -b to -e, each checked", 2 },
	{ "seed", OPTION_SEED, "N", 0, "Of the random sizes (default 1)", 2 },
	{ "channels", 'C', "N", 0, "Channels, each with connections of its own (default 1)", 3 },
	{ "plugin", OPTION_PLUGIN, "FILE[:NAME=VALUE,...]", 0, "Net plugin: a file, or X for libnccl-net-X.so (default $NCCL_NET_PLUGIN, else devmem); after a colon variables that it is to find: devmem:NCCL_DEVMEM_PLAN=host,NCCL_DEVMEM_QUEUES=2. Several: measured in turns, ratios against the first", 3 },
	{ "abi", OPTION_ABI, "V", 0, "Version of the plugin interface, 8 to 12 (default: the highest that the plugin has)", 3 },
	{ "memory", OPTION_MEMORY, "KIND", 0, "Where data is: host (default), cuda, or udmabuf or dmvram, which stand in for a GPU's memory", 3 },
	{ "flush", OPTION_FLUSH, "WHEN", 0, "Call iflush after receives: auto (default: as the plugin asks), always, never", 3 },
	{ "proto", OPTION_PROTO, "NAME", 0, "Messages as of NCCL's protocol simple (4 of 1 MiB at once), ll (8 of 64 KiB), ll128 (8 of 600 KiB); or what simple is elsewhere: broadcast (8 of 512 KiB), p2p (between two ranks, 8 of 128 KiB). Default: the collective's own for large buffers", 3 },
	{ "timeout", 'T', "SECONDS", 0, "Give up, and tell what is stuck, when nothing moves for that long (default 30)", 4 },
	{ "json", 'J', "FILE", 0, "Also write the results there", 4 },
	{ "ngpus", 'g', "1", OPTION_HIDDEN, 0, 4 },
	{ "nthreads", 't', "1", OPTION_HIDDEN, 0, 4 },
	{ "agg_iters", 'm', "1", OPTION_HIDDEN, 0, 4 },
	{ "cudagraph", 'G', "0", OPTION_HIDDEN, 0, 4 },
	{ "parallel_init", 'p', "0|1", OPTION_HIDDEN, 0, 4 },
	{ 0 },
};

/* Options of nccl-tests whose one value is what happens here. */
static const struct {
	int key;
	const char *value, *instead;
} fixed[] = {
	{ 'g', "1", "a rank is a process with buffers of one device: start one for each GPU, mpirun -n N" },
	{ 't', "1", "a rank is a process, not a thread: start more of them, mpirun -n N" },
	{ 'm', "1", "there is no group call to aggregate runs in: use -n for more of them" },
	{ 'G', "0", "there are no CUDA graphs, since the CPU does what NCCL's kernels would: leave it out" },
};

static const char doc[] =
	"A collective operation over MPI ranks through an NCCL net plugin, driven as NCCL's proxy drives it: same calls, same threads, same slices. "
	"The program's name is that of the operation."
	"\vRun it under mpirun, one process for each rank: mpirun -n 2 allreduce -b 8 -e 64M -f 2\n"
	"Exit status: 0 when all results were exact, 1 when some were wrong, 2 for wrong usage, 3 when a call failed or nothing moved.";

static void choice(struct argp_state *state, const char *name, const char *text,
		   const char *const *names, unsigned int n, unsigned int *index)
{
	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0) {
			*index = i;
			return;
		}
	}
	argp_error(state, "%s '%s' is unknown: see --help", name, text);
}

static void set_flush(struct argp_state *state, const char *text, struct args *args)
{
	static const char *const names[] = {
		[FLUSH_AUTO] = "auto", [FLUSH_ALWAYS] = "always", [FLUSH_NEVER] = "never"
	};
	unsigned int index = 0;

	choice(state, "--flush", text, names, 3, &index);
	args->flush = (enum flush_mode)index;
}

static void set_proto(struct argp_state *state, const char *text, struct args *args)
{
	args->shape = fifo_shape_find(text);
	if (!args->shape)
		argp_error(state, "--proto '%s' is unknown: see --help", text);
}

static void add_default_plugin(struct argp_state *state, struct args *args)
{
	const char *plugin = getenv("NCCL_NET_PLUGIN");

	if (!args->n_plugins)
		option_plugin(state, plugin && *plugin ? plugin : "devmem", args->plugins,
			      &args->n_plugins);
}

static void finish(struct argp_state *state, struct args *args)
{
	if (!args->max_bytes)
		args->max_bytes = args->min_bytes;
	if (args->max_bytes < args->min_bytes)
		argp_error(state, "-e is smaller than -b");
	if (args->min_bytes < args->element->size)
		argp_error(state, "-b is less than one element of type %s", args->element->name);
	if (!args->factor && !args->step_bytes)
		args->step_bytes = (uint64_t)1 << 20;
	if (args->root && !args->collective->rooted)
		argp_error(state, "-r %u: %s has no root", args->root, args->collective->name);
	if (args->in_place && !args->collective->in_place)
		argp_error(state, "--in-place: %s needs a buffer for the result", args->collective->name);
	add_default_plugin(state, args);
	if (!args->repeat)
		args->repeat = args->n_plugins > 1 ? 5 : 1;
}

static void check_fixed(struct argp_state *state, int key, const char *arg)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (fixed[i].key == key && strcmp(fixed[i].value, arg) != 0)
			argp_error(state, "-%c %s: %s", key, arg, fixed[i].instead);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'b': args->min_bytes = option_size(state, "-b", arg); break;
	case 'e': args->max_bytes = option_size(state, "-e", arg); break;
	case 'i': args->step_bytes = option_size(state, "-i", arg); break;
	case 'f': args->factor = option_number(state, "-f", arg, 2, 1024); break;
	case 'n': args->iters = option_number(state, "-n", arg, 1, 1000000); break;
	case 'w': args->warmup = option_number(state, "-w", arg, 0, 1000000); break;
	case 'c': args->checks = option_number(state, "-c", arg, 0, 1000000); break;
	case 'C': args->channels = option_number(state, "-C", arg, 1, MAX_CHANNELS); break;
	case 'd':
		args->element = element_find(arg);
		if (!args->element)
			argp_error(state, "-d '%s': types are %s", arg, element_names());
		break;
	case 'o':
		if (strcmp(arg, "sum") != 0)
			argp_error(state, "-o '%s': only sum is there", arg);
		break;
	case OPTION_PLUGIN: option_plugin(state, arg, args->plugins, &args->n_plugins); break;
	case OPTION_REPEAT: args->repeat = option_number(state, "--repeat", arg, 1, REPEATS_MAX); break;
	case OPTION_ABI: args->abi = (int)option_number(state, "--abi", arg, 8, 12); break;
	case 'r': args->root = option_number(state, "-r", arg, 0, INT32_MAX); break;
	case 'z': args->blocking = option_number(state, "-z", arg, 0, 1); break;
	case OPTION_IN_PLACE: args->in_place = true; break;
	case 'p':
		option_number(state, "-p", arg, 0, 1);	/* processes initialise side by side anyway */
		break;
	case 'g':
	case 't':
	case 'm':
	case 'G': check_fixed(state, key, arg); break;
	case OPTION_MEMORY: args->memory = option_memory(state, "--memory", arg); break;
	case OPTION_FLUSH: set_flush(state, arg, args); break;
	case OPTION_PROTO: set_proto(state, arg, args); break;
	case OPTION_RANDOM: args->random = option_number(state, "--random", arg, 1, 100000000); break;
	case OPTION_SEED: args->seed = option_number(state, "--seed", arg, 0, UINT32_MAX); break;
	case 'T': args->timeout = option_number(state, "--timeout", arg, 1, 86400); break;
	case 'J': args->json = arg; break;
	case ARGP_KEY_END: finish(state, args); break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void args_parse(int argc, char **argv, const struct collective *collective, struct args *args)
{
	static const struct argp argp = { .options = options, .parser = parse, .doc = doc };

	*args = (struct args){
		.collective = collective,
		.min_bytes = (uint64_t)32 << 20,
		.iters = 20, .warmup = 5, .checks = 1,
		.channels = 1,
		.element = element_find("float"),
		.shape = fifo_shape_find(collective->shape),
		.memory = DEVMEM_MEM_HOST,
		.seed = 1,
		.timeout = 30,
	};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, args);
}

void args_free(struct args *args)
{
	for (unsigned int p = 0; p < args->n_plugins; p++)
		plugin_spec_free(&args->plugins[p]);
}

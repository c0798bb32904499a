// SPDX-License-Identifier: BSD-3-Clause
/* The command line of scale. */
#include "scale_args.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>

#include "budget.h"
#include "devmem_wire.h"
#include "option_values.h"
#include "pool_size.h"

enum long_option {
	OPTION_COSTS = 0x100,
	OPTION_PLUGIN,
	OPTION_MESSAGE_US,
	OPTION_GB_PER_S,
	OPTION_CONNECT,
	OPTION_CONNECT_US,
	OPTION_HOSTS,
	OPTION_GPUS,
	OPTION_NICS,
	OPTION_GBPS,
	OPTION_MTU,
	OPTION_CHANNELS,
	OPTION_RTT_US,
	OPTION_LOCAL_US,
	OPTION_QUEUES,
	OPTION_STREAMS,
	OPTION_NIC_QUEUES,
	OPTION_RING,
	OPTION_POOL_MB,
	OPTION_P2P_CHANNELS,
	OPTION_NOFILE,
	OPTION_RULES,
	OPTION_TIMEOUT,
	OPTION_REFERENCE,
	OPTION_TABLE,
	OPTION_JSON,
};

static const struct argp_option option_list[] = {
	{"costs", OPTION_COSTS, "FILE", 0,
	 "What p2p --json wrote, with one channel and several sizes; further FILEs may follow", 1},
	{"plugin", OPTION_PLUGIN, "TEXT", 0,
	 "Take results of plugins whose name has this in it (default devmem)", 1},
	{"message-us", OPTION_MESSAGE_US, "US", 0,
	 "Microseconds of a rank for each message, instead of what was measured", 1},
	{"gb-per-s", OPTION_GB_PER_S, "GB", 0,
	 "1e9 bytes a second that a rank moves, besides --message-us, instead of what was measured",
	 1},
	{"connect", OPTION_CONNECT, "FILE", 0, "What p2p --connect N --json wrote", 1},
	{"connect-us", OPTION_CONNECT_US, "US", 0,
	 "Microseconds of a rank for each end of a connection, instead (default 1000, which is a "
	 "guess)",
	 1},
	{"hosts", OPTION_HOSTS, "N", 0, "1 to 32768 (default 16)", 2},
	{"gpus", OPTION_GPUS, "N", 0, "Of each host, a process for each (default 8)", 2},
	{"nics", OPTION_NICS, "N", 0, "Of each host (default 8)", 2},
	{"gbps", OPTION_GBPS, "GBPS", 0, "Line rate of a NIC, 1e9 bits a second (default 400)", 2},
	{"mtu", OPTION_MTU, "BYTES", 0, "Default 4148, which carries 4096 bytes", 2},
	{"rtt-us", OPTION_RTT_US, "US", 0, "Round trip between hosts (default 20)", 2},
	{"local-us", OPTION_LOCAL_US, "US", 0,
	 "A hop between GPUs of a host, at most half of --rtt-us (default 3.4, or that)", 2},
	{"channels", OPTION_CHANNELS, "N", 0, "NCCL's, 1 to 64 (default: two for each NIC)", 3},
	{"p2p-channels", OPTION_P2P_CHANNELS, "N", 0,
	 "Connections from a GPU to another, of an all-to-all (default 1)", 3},
	{"queues", OPTION_QUEUES, "N", 0, "NCCL_DEVMEM_QUEUES (default 0: as the plugin chooses)",
	 4},
	{"streams", OPTION_STREAMS, "N", 0, "NCCL_DEVMEM_STREAMS (default 0: one for each queue)",
	 4},
	{"pool-mb", OPTION_POOL_MB, "MIB", 0,
	 "NCCL_DEVMEM_POOL_MB (default 0: as the plugin chooses)", 4},
	{"nic-queues", OPTION_NIC_QUEUES, "N", 0, "rx queues of a NIC (default 64)", 4},
	{"ring", OPTION_RING, "N", 0, "Buffers of an rx ring (default 1024)", 4},
	{"nofile", OPTION_NOFILE, "N", 0, "Descriptors that a process may have (default 1024)", 5},
	{"rules", OPTION_RULES, "N", 0, "Steering rules that a NIC may have (default 1024)", 5},
	{"timeout", OPTION_TIMEOUT, "SECONDS", 0,
	 "That set-up may take (default 600, PyTorch's for NCCL)", 5},
	{"reference", OPTION_REFERENCE, "SIZE", 0,
	 "All-reduce whose latency is judged (default 256M)", 5},
	{"table", OPTION_TABLE, 0, 0,
	 "16, 128, 1,024 and 16,384 GPUs side by side, without --hosts", 6},
	{"json", OPTION_JSON, "FILE", 0, "Also write the figures there", 6},
	{0},
};

static const char doc[] =
	"Predicts NCCL's all-reduce over device memory TCP at sizes that nobody has here, from "
	"what "
	"p2p measured of one rank. All that it prints is a model: docs/scale.md lists what it "
	"assumes."
	"\vExit status: 0, 2 for wrong usage, 3 when a file is of no use or cannot be written.";

static double real(struct argp_state *state, const char *name, const char *text, double min)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value < min || value > 1e9)
		argp_error(state, "%s '%s': give a number from %g to 1e9", name, text, min);
	return value;
}

static void add_file(struct argp_state *state, const char *path)
{
	struct scale_options *o = state->input;

	if (o->n_files == SCALE_MAX_FILES)
		argp_error(state, "%u files of costs at most", SCALE_MAX_FILES);
	o->files[o->n_files++] = path;
}

static error_t parse_costs(int key, char *arg, struct argp_state *state)
{
	struct scale_options *o = state->input;
	struct scale_costs *costs = &o->system.costs;

	switch (key) {
	case OPTION_COSTS:
		add_file(state, arg);
		break;
	case OPTION_PLUGIN:
		o->plugin = arg;
		break;
	case OPTION_MESSAGE_US:
		costs->message_s = real(state, "--message-us", arg, 0) / 1e6;
		break;
	case OPTION_GB_PER_S:
		costs->byte_s = 1e-9 / real(state, "--gb-per-s", arg, 1e-6);
		break;
	case OPTION_CONNECT:
		o->connect = arg;
		break;
	case OPTION_CONNECT_US:
		costs->connect_s = real(state, "--connect-us", arg, 0) / 1e6;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse_system(int key, char *arg, struct argp_state *state)
{
	struct scale_options *o = state->input;
	struct scale_system *s = &o->system;

	switch (key) {
	case OPTION_HOSTS:
		s->hosts = option_number(state, "--hosts", arg, 1, SCALE_MAX_HOSTS);
		break;
	case OPTION_GPUS:
		s->gpus = option_number(state, "--gpus", arg, 1, SCALE_MAX_GPUS);
		break;
	case OPTION_NICS:
		s->nics = option_number(state, "--nics", arg, 1, SCALE_MAX_NICS);
		break;
	case OPTION_GBPS:
		s->line_bytes_s = real(state, "--gbps", arg, 1e-3) * 1e9 / 8;
		break;
	case OPTION_MTU:
		s->mtu = option_number(state, "--mtu", arg, 576, 65535);
		break;
	case OPTION_RTT_US:
		s->rtt_s = real(state, "--rtt-us", arg, 0) / 1e6;
		break;
	case OPTION_LOCAL_US:
		s->local_s = real(state, "--local-us", arg, 0) / 1e6;
		break;
	case OPTION_CHANNELS:
		s->channels = option_number(state, "--channels", arg, 1, SCALE_CHANNELS);
		break;
	case OPTION_P2P_CHANNELS:
		s->p2p_channels = option_number(state, "--p2p-channels", arg, 1, SCALE_CHANNELS);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse_plugin(int key, char *arg, struct argp_state *state)
{
	struct scale_options *o = state->input;
	struct scale_system *s = &o->system;

	switch (key) {
	case OPTION_QUEUES:
		s->queues = option_number(state, "--queues", arg, 0, WIRE_STREAMS);
		break;
	case OPTION_STREAMS:
		s->streams = option_number(state, "--streams", arg, 0, WIRE_STREAMS);
		break;
	case OPTION_POOL_MB:
		s->pool_bytes = (size_t)option_number(state, "--pool-mb", arg, 0, 65536) << 20;
		break;
	case OPTION_NIC_QUEUES:
		s->nic_queues = option_number(state, "--nic-queues", arg, 2, 65536);
		break;
	case OPTION_RING:
		s->ring_entries = option_number(state, "--ring", arg, 1, 65536);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse_rest(int key, char *arg, struct argp_state *state)
{
	struct scale_options *o = state->input;
	struct scale_bounds *b = &o->bounds;

	switch (key) {
	case OPTION_NOFILE:
		b->nofile = option_number(state, "--nofile", arg, 1, 1u << 30);
		break;
	case OPTION_RULES:
		b->rules = option_number(state, "--rules", arg, 1, 1u << 30);
		break;
	case OPTION_TIMEOUT:
		b->timeout_s = real(state, "--timeout", arg, 1);
		break;
	case OPTION_REFERENCE:
		b->reference = (double)option_size(state, "--reference", arg);
		break;
	case OPTION_TABLE:
		o->table = true;
		break;
	case OPTION_JSON:
		o->json = arg;
		break;
	case ARGP_KEY_ARG:
		add_file(state, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What depends on other options. */
static void finish(struct argp_state *state)
{
	struct scale_options *o = state->input;
	struct scale_system *s = &o->system;

	if (!o->n_files && (isnan(s->costs.message_s) || isnan(s->costs.byte_s)))
		argp_error(state, "no costs: give --costs FILE of p2p --json, or both --message-us "
				  "and --gb-per-s");
	if (o->table && s->hosts)
		argp_error(state, "--table chooses the hosts: leave out --hosts");
	if (o->table && 16 % s->gpus)
		argp_error(state, "--table: 16 GPUs do not fill hosts of %u", s->gpus);
	if (s->local_s > s->rtt_s / 2)
		argp_error(state, "--local-us is more than half of --rtt-us: the model takes the "
				  "network to be the slower way");
	if (!s->hosts)
		s->hosts = 16;
	if (isnan(s->local_s))
		s->local_s = fmin(3.4e-6, s->rtt_s / 2);
	if (!s->channels)
		s->channels = 2 * s->nics < SCALE_CHANNELS ? 2 * s->nics : SCALE_CHANNELS;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static error_t (*const parsers[])(int, char *, struct argp_state *) = {
		parse_costs, parse_system, parse_plugin, parse_rest};

	if (key == ARGP_KEY_END) {
		finish(state);
		return 0;
	}
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
		if (parsers[i](key, arg, state) != ARGP_ERR_UNKNOWN)
			return 0;
	return ARGP_ERR_UNKNOWN;
}

void scale_options_parse(int argc, char **argv, struct scale_options *options)
{
	static const struct argp argp = {
		.options = option_list, .parser = parse, .args_doc = "[FILE...]", .doc = doc};

	*options = (struct scale_options){
		.plugin = "devmem",
		.system = {.gpus = 8,
			   .nics = 8,
			   .line_bytes_s = 400e9 / 8,
			   .mtu = 4148,
			   .rtt_s = 20e-6,
			   .local_s = NAN,
			   .nic_queues = 64,
			   .ring_entries = 1024,
			   .p2p_channels = 1,
			   .costs = {.message_s = NAN, .byte_s = NAN, .connect_s = NAN}},
		.bounds = {.nofile = 1024,
			   .rules = 1024,
			   .timeout_s = 600,
			   .reference = 256.0 * 1024 * 1024},
	};
	argp_err_exit_status = SCALE_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}

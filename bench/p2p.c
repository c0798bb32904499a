// SPDX-License-Identifier: BSD-3-Clause
/* p2p: bandwidth, latency and CPU time of one or more net plugins between two MPI ranks. */
#include <argp.h>
#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "p2p.h"
#include "percentile.h"
#include "size.h"
#include "worker.h"

#define MAX_LIST 16
#define MAX_REPS 101

enum exit_status { EXIT_WRONG_DATA = 1, EXIT_USAGE = 2, EXIT_FAILED = 3 };

struct options {
	const char *plugins[MAX_LIST];
	uint64_t sizes[MAX_LIST], channels[MAX_LIST];
	unsigned int n_plugins, n_sizes, n_channels;
	unsigned int depth, reps, latency, timeout;
	uint64_t volume; /* bytes of a timed run, all channels together */
	bool both;
};

/* What one repetition cost: of both ranks. */
struct cost {
	double seconds, cpu;
};

enum long_option { OPTION_PLUGIN = 0x100, OPTION_LATENCY, OPTION_TIMEOUT };

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
	{"repeat", 'r', "N", 0, "Runs of each point, of which the median is shown (default 5)", 3},
	{"volume", 'v', "SIZE", 0, "Bytes of each run and direction (default 512M)", 3},
	{"latency", OPTION_LATENCY, "N", 0,
	 "Round trips of 8 bytes for each run of the latency (default 10000; 0: none)", 3},
	{"timeout", OPTION_TIMEOUT, "SECONDS", 0,
	 "Give up when nothing moves for that long (default 30)", 4},
	{0},
};

static const char doc[] =
	"Bandwidth, latency and CPU time of NCCL net plugins between two ranks, in host memory."
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
	case OPTION_TIMEOUT:
		o->timeout = number(state, "--timeout", arg, 1, 86400);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void options_parse(int argc, char **argv, struct options *o)
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
		.volume = (uint64_t)512 << 20,
	};
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, o);
	if (!o->n_plugins)
		o->plugins[o->n_plugins++] = "devmem";
}

static uint64_t largest(const uint64_t *values, unsigned int n)
{
	uint64_t max = 0;

	for (unsigned int i = 0; i < n; i++)
		max = values[i] > max ? values[i] : max;
	return max;
}

static void __attribute__((noreturn)) give_up(int rank, const struct failure *failure)
{
	fprintf(stderr, "p2p: rank %d: %s\n", rank, failure->text);
	fflush(stdout);
	MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
	_exit(EXIT_FAILED);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The time of the slower rank, the CPU time of both. Waiting in MPI is left out: a rank that is
 * done is not counted on. */
static struct cost timed(struct p2p_link *link, const struct p2p_shape *shape,
			 unsigned int messages)
{
	struct cost mine, all;
	uint64_t begin, wrong = 0;

	MPI_Barrier(MPI_COMM_WORLD);
	mine.cpu = -cpu_seconds();
	begin = now_ns();
	if (p2p_stream(link, shape, messages, false, &wrong))
		give_up(link->rank, link->failure);
	mine.seconds = (double)(now_ns() - begin) / 1e9;
	mine.cpu += cpu_seconds();
	MPI_Allreduce(&mine.seconds, &all.seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	MPI_Allreduce(&mine.cpu, &all.cpu, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	return all;
}

static uint64_t verified(struct p2p_link *link, const struct p2p_shape *shape)
{
	uint64_t wrong = 0, all = 0;

	if (p2p_stream(link, shape, 2 * shape->depth + 1, true, &wrong))
		give_up(link->rank, link->failure);
	MPI_Allreduce(&wrong, &all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	return all;
}

static void point_row(const struct p2p_shape *shape, const char *name, double gbs, double cpu,
		      uint64_t wrong)
{
	printf("%10zu %8u %5u %9.3f %9.3f %6lu  %s\n", shape->bytes, shape->channels, shape->depth,
	       gbs, cpu, wrong, name);
}

/* One size and number of channels with each plugin, repetitions in turns. */
static uint64_t point(struct p2p_link *links, const struct options *o,
		      const struct p2p_shape *shape)
{
	static double gbs[MAX_LIST][MAX_REPS], cpu[MAX_LIST][MAX_REPS];
	unsigned int messages = (unsigned int)(o->volume / shape->bytes / shape->channels);
	uint64_t wrong[MAX_LIST], sum = 0;
	double first_gbs = 0, first_cpu = 0, gb;

	messages = messages ? messages : 1;
	gb = (double)messages * (double)shape->bytes * shape->channels * (shape->both ? 2 : 1) /
	     1e9;
	for (unsigned int p = 0; p < o->n_plugins; p++)
		sum += wrong[p] = verified(&links[p], shape);
	for (unsigned int r = 0; r < o->reps; r++) {
		for (unsigned int p = 0; p < o->n_plugins; p++) {
			struct cost cost = timed(&links[p], shape, messages);

			gbs[p][r] = gb / cost.seconds;
			cpu[p][r] = cost.cpu / gb;
		}
	}
	for (unsigned int p = 0; p < o->n_plugins && links[0].rank == 0; p++) {
		double g = median(gbs[p], o->reps), c = median(cpu[p], o->reps);

		point_row(shape, o->plugins[p], g, c, wrong[p]);
		if (p == 0) {
			first_gbs = g;
			first_cpu = c;
		} else {
			printf("#    bandwidth x%.2f, CPU per GB x%.2f of the first plugin's\n",
			       g / first_gbs, c / first_cpu);
		}
		fflush(stdout);
	}
	return sum;
}

static void latency(struct p2p_link *links, const struct options *o)
{
	static double values[MAX_LIST][3][MAX_REPS];
	static const unsigned int permille[] = {500, 990, 999};
	uint64_t *ns = calloc(o->latency, sizeof(*ns));

	for (unsigned int r = 0; r <= o->reps && ns; r++) {
		for (unsigned int p = 0; p < o->n_plugins; p++) {
			MPI_Barrier(MPI_COMM_WORLD);
			if (p2p_pingpong(&links[p], 8, o->latency, ns))
				give_up(links[p].rank, links[p].failure);
			sort_u64(ns, o->latency);
			/* The first round warms up. */
			for (unsigned int q = 0; q < 3 && r; q++)
				values[p][q][r - 1] =
					(double)percentile(ns, o->latency, permille[q]) / 1e3;
		}
	}
	free(ns);
	if (links[0].rank)
		return;
	printf("# half round trip of 8 bytes, microseconds\n#%8s %9s %9s\n", "p50", "p99", "p99.9");
	for (unsigned int p = 0; p < o->n_plugins; p++)
		printf("%9.2f %9.2f %9.2f  %s\n", median(values[p][0], o->reps),
		       median(values[p][1], o->reps), median(values[p][2], o->reps), o->plugins[p]);
}

static uint64_t measure(struct p2p_link *links, const struct options *o)
{
	uint64_t wrong = 0;

	if (o->latency)
		latency(links, o);
	if (links[0].rank == 0)
		printf("# CPU: user and system seconds of both ranks for each GB (1e9 bytes) "
		       "moved; median of %u\n"
		       "#%9s %8s %5s %9s %9s %6s  %s\n",
		       o->reps, "bytes", "channels", "depth", "GB/s", "CPU s/GB", "wrong",
		       "plugin");
	for (unsigned int c = 0; c < o->n_channels; c++) {
		for (unsigned int s = 0; s < o->n_sizes; s++) {
			struct p2p_shape shape = {o->sizes[s], o->depth,
						  (unsigned int)o->channels[c], o->both};

			wrong += point(links, o, &shape);
		}
	}
	return wrong;
}

int main(int argc, char **argv)
{
	static struct p2p_link links[MAX_LIST];
	static struct failure failure;
	struct options o;
	int level, rank, ranks;
	uint64_t wrong;

	options_parse(argc, argv, &o);
	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	net_logger_set_rank(rank);
	if (ranks != 2) {
		fail(&failure, "%d ranks: run it as mpirun -n 2 p2p", ranks);
		give_up(rank, &failure);
	}
	for (unsigned int p = 0; p < o.n_plugins; p++) {
		links[p].rank = rank;
		links[p].slot = largest(o.sizes, o.n_sizes);
		links[p].channels = (unsigned int)largest(o.channels, o.n_channels);
		links[p].depth = o.depth;
		links[p].timeout = o.timeout;
		links[p].failure = &failure;
		if (p2p_open(&links[p], o.plugins[p], 0))
			give_up(rank, &failure);
	}
	wrong = measure(links, &o);
	MPI_Barrier(MPI_COMM_WORLD);
	for (unsigned int p = 0; p < o.n_plugins; p++)
		p2p_close(&links[p]);
	MPI_Finalize();
	return wrong ? EXIT_WRONG_DATA : EXIT_SUCCESS;
}

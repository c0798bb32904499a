// SPDX-License-Identifier: BSD-3-Clause
/* A collective over MPI ranks through any NCCL net plugins: COLLECTIVE, for each of which this is compiled. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "live.h"
#include "local.h"
#include "turns.h"

enum { EXIT_WRONG = 1, EXIT_FAILED = 3 };

/* What this rank has. */
struct run {
	struct args args;
	struct failure failure;
	struct local local;
	struct buffers buffers;
	struct session sessions[PLUGINS_MAX];
	unsigned int n;		/* of these */
};

/* Other ranks may be waiting in the plugin or in MPI: nobody can go on without this one. */
static void __attribute__((noreturn)) give_up(struct run *run)
{
	char host[256] = "?";

	gethostname(host, sizeof(host) - 1);
	fprintf(stderr, "%s: rank %u on %s: %s\n", COLLECTIVE.name, run->buffers.rank, host,
		run->failure.text);
	fflush(stdout);
	for (unsigned int p = 0; p < run->n; p++)
		session_clean(&run->sessions[p]);
	MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
	_exit(EXIT_FAILED);
}

static int check_ranks(struct run *run)
{
	const struct args *args = &run->args;
	unsigned int ranks = run->buffers.ranks;

	if (ranks < 2)
		return fail(&run->failure, "a ring has two ranks or more: mpirun -n 2 %s ...",
			    args->collective->name);
	if (args->root >= ranks)
		return fail(&run->failure, "-r %u: there are ranks 0 to %u", args->root, ranks - 1);
	if (args->min_bytes / args->element->size < collective_blocks(args->collective, ranks))
		return fail(&run->failure,
			    "-b is less than one element of type %s for each of %u ranks",
			    args->element->name, ranks);
	return 0;
}

static int open_all(struct run *run)
{
	const bool live = run->buffers.rank == 0 && live_wanted();

	if (check_ranks(run) ||
	    local_open(&run->local, &run->args, (int)run->buffers.rank, &run->failure))
		return -1;
	run->buffers.gpu = run->local.gpu.ordinal;
	if (buffers_open(&run->buffers))
		return -1;
	for (; run->n < run->args.n_plugins; run->n++) {
		struct session *session = &run->sessions[run->n];

		*session = (struct session){
			.plugin = &run->args.plugins[run->n],
			.args = &run->args,
			.buffers = &run->buffers,
			.local = &run->local,
			.failure = &run->failure,
			.live = live,
		};
		if (session_open(session)) {
			session_clean(session);
			return -1;
		}
	}
	return 0;
}

static int close_all(struct run *run)
{
	for (unsigned int p = 0; p < run->n; p++)
		if (session_close(&run->sessions[p]))
			return -1;
	buffers_close(&run->buffers);
	local_close(&run->local);
	return 0;
}

static void report(struct run *run)
{
	const char *path = run->args.json;
	int ret;

	for (unsigned int p = 0; p < run->n; p++)
		table_end(&run->sessions[p].comm, &run->sessions[p].out_of_place,
			  &run->sessions[p].in_place, &run->sessions[p].totals,
			  run->n > 1 ? run->sessions[p].plugin->text : NULL);
	if (!path)
		return;
	ret = json_write(path, run->sessions, run->n);
	if (ret) {
		fail(&run->failure, "cannot write %s: %s", path, strerror(-ret));
		give_up(run);
	}
}

int main(int argc, char **argv)
{
	static struct run run;
	uint64_t wrong = 0;
	int level, rank, ranks;

	args_parse(argc, argv, &COLLECTIVE, &run.args);
	MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	net_logger_set_rank(rank);
	run.buffers = (struct buffers){ .args = &run.args, .rank = (unsigned int)rank,
					.ranks = (unsigned int)ranks, .failure = &run.failure };
	if (open_all(&run) || turns_run(run.sessions, run.n) || close_all(&run))
		give_up(&run);
	for (unsigned int p = 0; p < run.n; p++)
		session_sum(&run.sessions[p]);
	if (rank == 0)
		report(&run);
	for (unsigned int p = 0; p < run.n; p++) {
		wrong += run.sessions[p].totals.wrong;
		session_free(&run.sessions[p]);
	}
	args_free(&run.args);
	MPI_Finalize();
	return wrong ? EXIT_WRONG : EXIT_SUCCESS;
}

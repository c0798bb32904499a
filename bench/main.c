// SPDX-License-Identifier: BSD-3-Clause
/* A collective over MPI ranks through any NCCL net plugin: COLLECTIVE, for each of which this is compiled. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

enum { EXIT_WRONG = 1, EXIT_FAILED = 3 };

/* Other ranks may be waiting in the plugin or in MPI: nobody can go on without this one. */
static void __attribute__((noreturn)) give_up(struct session *session)
{
	char host[256] = "?";

	gethostname(host, sizeof(host) - 1);
	fprintf(stderr, "%s: rank %d on %s: %s\n", COLLECTIVE.name, session->comm.rank,
		host, session->failure.text);
	fflush(stdout);
	session_clean(session);
	MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
	_exit(EXIT_FAILED);
}

static void report(struct session *session)
{
	const char *path = session->args.json;
	int ret;

	table_end(session->results, session->n_results, &session->comm, &session->totals);
	if (!path)
		return;
	ret = json_write(path, &session->comm, session->results, session->n_results,
			 &session->totals);
	if (ret) {
		fail(&session->failure, "cannot write %s: %s", path, strerror(-ret));
		give_up(session);
	}
}

int main(int argc, char **argv)
{
	static struct session session;
	int level, rank, ranks;

	args_parse(argc, argv, &COLLECTIVE, &session.args);
	MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	if (session_open(&session, rank, ranks) || session_run(&session) || session_close(&session))
		give_up(&session);
	session_sum(&session);
	if (rank == 0)
		report(&session);
	net_unload(&session.net);
	session_clean(&session);
	free(session.results);
	MPI_Finalize();
	return session.totals.wrong ? EXIT_WRONG : EXIT_SUCCESS;
}

// SPDX-License-Identifier: BSD-3-Clause
/* One plugin of a rank: its beginning and end. */
#include "session.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "environment.h"
#include "plan_log.h"

#define METRICS_ENV "NCCL_DEVMEM_METRICS"

/* Whether the user wants the counters of this plugin: several in one process would write the same file. */
static const char *wanted_metrics(const struct session *session)
{
	const char *dir = plugin_spec_setting(session->plugin, METRICS_ENV);

	if (!dir && session->args->n_plugins == 1)
		dir = getenv(METRICS_ENV);
	return dir && *dir ? dir : NULL;
}

static int choose_metrics(struct session *session, struct plugin_scope *scope)
{
	session->metrics = wanted_metrics(session);
	if (session->metrics)
		return 0;
	snprintf(session->metrics_dir, sizeof(session->metrics_dir), "/tmp/%s.XXXXXX",
		 session->args->collective->name);
	if (!mkdtemp(session->metrics_dir)) {
		session->metrics_dir[0] = '\0';
		return fail(session->failure,
			    "cannot make a folder in /tmp for the plugin's counters: %m");
	}
	session->metrics = session->metrics_dir;
	plugin_scope_set(scope, METRICS_ENV, session->metrics);
	return 0;
}

void session_clean(struct session *session)
{
	char path[PATH_MAX];

	if (!session->metrics_dir[0])
		return;
	snprintf(path, sizeof(path), "%s/devmem-%d.prom", session->metrics_dir, (int)getpid());
	unlink(path);
	rmdir(session->metrics_dir);
	session->metrics_dir[0] = '\0';
}

void session_free(struct session *session)
{
	net_unload(&session->net);
	session_clean(session);
	ranks_free(&session->ranks);
	facts_free(&session->facts);
	free(session->out_of_place.list);
	free(session->in_place.list);
}

/* Handles travel against the data: whoever sends must have the receiver's. */
static void exchange_handles(struct comm *comm)
{
	for (unsigned int i = 0; i < comm->n_links; i++) {
		struct link *link = &comm->links[i];

		MPI_Sendrecv(link->own_handle, NCCL_NET_HANDLE_MAXSIZE, MPI_BYTE, link->recv.peer,
			     (int)i, link->peer_handle, NCCL_NET_HANDLE_MAXSIZE, MPI_BYTE,
			     link->send.peer, (int)i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	}
}

static int make_connections(struct session *session)
{
	struct comm *comm = &session->comm;

	comm->worker = &session->service;
	if (comm_exchange_devices(comm) ||
	    worker_run(&session->service, comm_listen, comm, session->failure))
		return -1;
	exchange_handles(comm);
	if (worker_run(&session->service, comm_connect, comm, session->failure))
		return -1;
	return worker_run(&session->service, comm_register, comm, session->failure);
}

/* Connections are there, so that the plugin's plan is its last. */
static int look_around(struct session *session)
{
	environment_add(&session->facts, &session->comm);
	if (ranks_gather(&session->ranks, &session->facts))
		return fail(session->failure, "out of memory");
	return 0;
}

/* The plugin reads its environment. */
static int load(struct session *session)
{
	struct plugin_scope scope;
	int ret = 0;

	plugin_scope_begin(&scope, session->plugin);
	facts_add_variables(&session->facts, environ);
	plan_log_start();
	if (choose_metrics(session, &scope) ||
	    net_load(&session->net, session->plugin->name, session->args->abi, session->failure) ||
	    comm_init(&session->comm))
		ret = -1;
	plugin_scope_end(&scope);
	return ret;
}

int session_open(struct session *session)
{
	const struct args *args = session->args;

	session->comm = (struct comm){
		.rank = (int)session->buffers->rank,
		.ranks = (int)session->buffers->ranks,
		.args = args,
		.net = &session->net,
		.local = session->local,
		.exporter = session->buffers->exporter,
		.failure = session->failure,
	};
	if (load(session) ||
	    worker_start(&session->service, "service", &session->net, args->timeout,
			 session->failure) ||
	    worker_start(&session->progress, "progress", &session->net, args->timeout,
			 session->failure))
		return -1;
	return make_connections(session) || look_around(session) ? -1 : 0;
}

static void add_link(struct totals *totals, const struct link *link)
{
	totals->messages += link->send.messages;
	totals->empty_messages += link->send.empty;
	totals->bytes_sent += link->send.bytes;
	totals->bytes_received += link->recv.bytes;
	totals->flushes += link->recv.flush_calls;
}

/* The plugin writes its counters when its last connection is closed and when it is finalized (version 11 and later). */
int session_close(struct session *session)
{
	struct comm *comm = &session->comm;

	for (unsigned int i = 0; i < comm->n_links; i++)
		add_link(&session->totals, &comm->links[i]);
	comm->worker = &session->service;
	if (worker_run(&session->service, comm_close, comm, session->failure))
		return -1;
	worker_stop(&session->progress);
	worker_stop(&session->service);
	if (comm_finalize(comm))
		return -1;
	if (!metrics_read(session->metrics, &session->totals.metrics))
		return fail(session->failure,
			    "the plugin's counters in %s are not in Prometheus' text form",
			    session->metrics);
	return 0;
}

static void sum_u64(uint64_t *values, int n)
{
	MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
}

void session_sum(struct session *session)
{
	struct totals *totals = &session->totals;
	uint64_t sums[] = { totals->messages, totals->empty_messages, totals->bytes_sent,
			    totals->bytes_received, totals->flushes,
			    totals->retransmits };
	int present = totals->metrics.present;

	sum_u64(sums, 6);
	totals->messages = sums[0];
	totals->empty_messages = sums[1];
	totals->bytes_sent = sums[2];
	totals->bytes_received = sums[3];
	totals->flushes = sums[4];
	totals->retransmits = sums[5];
	sum_u64(totals->metrics.values, METRIC_COUNT);
	MPI_Allreduce(MPI_IN_PLACE, &present, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
	totals->metrics.present = present;
	MPI_Allreduce(MPI_IN_PLACE, &totals->wall_seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	MPI_Allreduce(MPI_IN_PLACE, &totals->cpu_seconds, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

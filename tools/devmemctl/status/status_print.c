// SPDX-License-Identifier: BSD-3-Clause
/* Prints a status as tables. */
#include "status.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 128
#define SHOWN 20 /* connections, unless all are asked for */

static struct libscols_table *new_table(const char *titles)
{
	struct libscols_table *table = scols_new_table();
	char copy[CELL], *rest = copy, *title;

	snprintf(copy, sizeof(copy), "%s", titles);
	while (table && (title = strsep(&rest, " ")))
		if (!scols_table_new_column(table, title, 0.1, 0)) {
			scols_unref_table(table);
			return NULL;
		}
	return table;
}

/* A line of cells, with tabs between them. */
__attribute__((format(printf, 2, 3))) static int add_line(struct libscols_table *table,
							  const char *fmt, ...)
{
	struct libscols_line *line = table ? scols_table_new_line(table, NULL) : NULL;
	char text[8 * CELL], *rest = text, *cell;
	va_list args;
	size_t i = 0;

	if (!line)
		return -1;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	while ((cell = strsep(&rest, "\t")))
		if (scols_line_set_data(line, i++, cell))
			return -1;
	return 0;
}

static int print_table(struct libscols_table *table, const char *empty)
{
	int ret = table ? 0 : -1;

	if (!ret && !scols_table_get_nlines(table))
		ret = puts(empty) == EOF;
	else if (!ret)
		ret = scols_print_table(table);
	scols_unref_table(table);
	return ret || putchar('\n') == EOF ? -1 : 0;
}

/* One that is not of a NIC is said once. */
static int print_reasons(const struct facts *facts)
{
	const char *said = "";

	for (unsigned int i = 0; i < facts->n_nics; i++) {
		const char *reason = status_reason(facts, &facts->nics[i]);

		if (*reason && strcmp(reason, said) && printf("%s\n\n", reason) < 0)
			return -1;
		said = reason;
	}
	return 0;
}

static int print_devices(const struct facts *facts)
{
	struct libscols_table *table = new_table("NIC SPEED MTU QUEUES FREE PLAN");
	int ret = 0;

	for (unsigned int i = 0; !ret && i < facts->n_nics; i++) {
		const struct nic_facts *nic = &facts->nics[i];

		ret = add_line(table, "%s\t%u Mb/s\t%u\t%u\t%u\t%s", nic->nic.name,
			       nic->nic.speed_mbps, nic->nic.mtu, nic->nic.rx_queues, nic->free,
			       plan_text(&nic->plan));
	}
	return print_table(table, facts->no_nic.text) || ret ? -1 : print_reasons(facts);
}

static int print_queues(const struct status *status)
{
	struct libscols_table *table = new_table("QUEUE DMABUF PORT USER PROCESS COMMAND");
	int ret = 0;

	for (unsigned int i = 0; !ret && i < status->n_queues; i++) {
		const struct status_queue *queue = &status->queues[i];
		char port[SOCKADDR_TEXT] = "-", dmabuf[16] = "-";
		char pid[16] = "-", uid[16] = "-";

		if (queue->steered)
			sockaddr_text(&queue->port, port);
		if (queue->dmabuf_id)
			snprintf(dmabuf, sizeof(dmabuf), "%u", queue->dmabuf_id);
		if (queue->owned)
			snprintf(uid, sizeof(uid), "%u", queue->uid);
		if (queue->pid)
			snprintf(pid, sizeof(pid), "%d", (int)queue->pid);
		ret = add_line(table, "%s rx%u\t%s\t%s\t%s\t%s\t%s", queue->nic, queue->queue,
			       dmabuf, port, uid, pid, queue->command[0] ? queue->command : "-");
	}
	return print_table(table, "No rx queue has device memory bound, and none is leased.") ||
	       ret;
}

static double rate(const struct status_connection *connection)
{
	return connection->receive_rate + connection->send_rate;
}

static int faster(const void *a, const void *b)
{
	double one = rate(*(const struct status_connection *const *)a);
	double other = rate(*(const struct status_connection *const *)b);

	return (other > one) - (other < one);
}

static int add_connection(struct libscols_table *table, const struct status_connection *connection)
{
	char local[SOCKADDR_TEXT], peer[SOCKADDR_TEXT], pid[16] = "-";

	if (connection->pid)
		snprintf(pid, sizeof(pid), "%d", (int)connection->pid);
	return add_line(
		table,
		"%s\t%s\t%s\t%s\t%.1f MB/s\t%.1f MB/s\t%" PRIu64 "\t%u\t%" PRIu64 "\t%.3f ms\t%u",
		sockaddr_text(&connection->local, local), sockaddr_text(&connection->peer, peer),
		connection->steered ? "device" : "host", pid, connection->receive_rate / 1e6,
		connection->send_rate / 1e6, connection->received, connection->unread,
		connection->sent, connection->rtt_us / 1e3, connection->retransmits);
}

static int print_connections(const struct status *status, bool all)
{
	unsigned int n = status->n_connections, shown = all || n < SHOWN ? n : SHOWN;
	const struct status_connection **order = calloc(n + 1, sizeof(const void *));
	struct libscols_table *table =
		new_table("LOCAL PEER MEMORY PROCESS IN OUT RECEIVED UNREAD SENT RTT RETRANSMITS");
	int ret = order ? 0 : -1;

	for (unsigned int i = 0; !ret && i < n; i++)
		order[i] = &status->connections[i];
	if (!ret)
		qsort(order, n, sizeof(const void *), faster);
	for (unsigned int i = 0; !ret && i < shown; i++)
		ret = add_connection(table, order[i]);
	free(order);
	ret = print_table(table, "No connection of theirs.") || ret;
	if (shown < n)
		printf("... and %u slower ones: --all\n\n", n - shown);
	return ret;
}

static int print_processes(const struct status *status)
{
	struct libscols_table *table =
		new_table("PROCESS AGE DEVICE LINEAR PLAIN SENT COPIED TOKENS POOL LOW FALLBACKS");
	int ret = 0;

	for (unsigned int i = 0; !ret && i < status->n_processes; i++) {
		const struct status_process *process = &status->processes[i];
		const struct stat_totals *totals = &process->totals;

		ret = add_line(table,
			       "%d%s\t%.0f s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
			       "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64,
			       (int)process->pid, process->alive ? "" : " (ended)", process->age_s,
			       totals->rx_device, totals->rx_linear, totals->rx_plain,
			       totals->tx_device, totals->tx_copied + totals->tx_staged,
			       stat_tokens_out(totals), totals->pool_pages, totals->pool_low_pages,
			       totals->fallbacks);
	}
	return print_table(table,
			   "No process writes counters: NCCL_DEVMEM_METRICS=DIR makes them.") ||
	       ret;
}

int status_print(const struct facts *facts, const struct status *status, bool all)
{
	scols_init_debug(0);
	return print_devices(facts) || print_queues(status) || print_connections(status, all) ||
			       print_processes(status) || fflush(stdout)
		       ? -1
		       : 0;
}

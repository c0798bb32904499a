// SPDX-License-Identifier: BSD-3-Clause
/* The results as text, in nccl-tests' columns. */
#include <inttypes.h>
#include <stdio.h>

#include "result.h"

double result_algbw(const struct result *result)
{
	return result->seconds > 0 ? (double)result->bytes / result->seconds / 1e9 : 0;
}

double result_busbw(const struct result *result, const struct comm *comm)
{
	return result_algbw(result) * comm->args->collective->bus_factor(comm->ranks);
}

static const char *fifos(const struct comm *comm)
{
	if (comm->by_dmabuf)
		return "device memory, registered by its dmabuf";
	if (comm->device_fifos)
		return "device memory, registered by its address";
	return comm->args->memory == DEVMEM_MEM_HOST ? "host memory" :
	       "host memory (staged: the plugin takes neither device pointers nor dmabufs)";
}

static void print_runs(const struct args *args)
{
	printf("# for each size %u timed after %u for warm-up, %u checked", args->iters,
	       args->warmup, args->checks);
	if (args->repeat > 1)
		printf("; timed %u times, medians", args->repeat);
	printf("\n");
}

void table_header(const struct comm *comm)
{
	const struct args *args = comm->args;

	printf("# %s over %d ranks, %u channel%s, %s%s, data in %s memory\n",
	       args->collective->title, comm->ranks, args->channels,
	       args->channels == 1 ? "" : "s", args->collective->reduces ? "sum of " : "",
	       args->element->name, devmem_mem_kind_name(args->memory));
	if (args->random)
		printf("# %u %ss of random sizes, %" PRIu64 " to %" PRIu64
		       " bytes, seed %" PRIu64 ", each checked\n",
		       args->random, args->collective->title, args->min_bytes, args->max_bytes, args->seed);
	else
		print_runs(args);
}

/* By what the collective is done: a net plugin, or MPI, whose memory is the host's. */
void table_plugin(const struct comm *comm, const char *label)
{
	if (!comm->net->abi) {
		printf("# %s without a net plugin, transports: %s%s\n", comm->plugin_name,
		       comm->device_name,
		       comm->far.exporter ? "; data is copied to host memory and back" : "");
		return;
	}
	printf("# net plugin %s%s%s, interface version %d, %d device%s, the first %s; FIFOs in %s\n",
	       label ? label : "", label ? ": " : "", comm->plugin_name, comm->net->abi,
	       comm->devices, comm->devices == 1 ? "" : "s", comm->device_name, fifos(comm));
}

void table_columns(const struct comm *comm, bool labels)
{
	static const char *const names[2] = { "      time   algbw   busbw  #wrong        cpu",
					      "      (us)  (GB/s)  (GB/s)               (us)" };
	const bool in_place = comm->args->in_place;

	printf("#\n");
	if (in_place)
		printf("# %46s%46s%46s\n", "", "out-of-place", "in-place");
	printf("# %11s %12s %8s %6s %5s %s%s%s%s\n", "size", "count", "type", "redop", "root",
	       names[0], in_place ? " " : "", in_place ? names[0] : "", labels ? "  plugin" : "");
	printf("# %11s %12s %8s %6s %5s %s%s%s\n", "(B)", "(elements)", "", "", "", names[1],
	       in_place ? " " : "", in_place ? names[1] : "");
	fflush(stdout);
}

static void print_figures(const struct result *result, const struct comm *comm)
{
	char wrong[24] = "N/A";

	if (result->checked)
		snprintf(wrong, sizeof(wrong), "%" PRIu64, result->wrong);
	printf(" %10.2f %7.3f %7.3f %7s %10.1f", result->seconds * 1e6, result_algbw(result),
	       result_busbw(result, comm), wrong, result->cpu_seconds * 1e6);
}

void table_line(const struct result *result, const struct result *in_place, const struct comm *comm,
		const char *label)
{
	const struct args *args = comm->args;

	printf("%13" PRIu64 " %12" PRIu64 " %8s %6s %5d", result->bytes, result->count,
	       args->element->name, args->collective->reduces ? "sum" : "none",
	       args->collective->rooted ? (int)args->root : -1);
	print_figures(result, comm);
	if (in_place)
		print_figures(in_place, comm);
	printf("%s%s\n", label ? "  " : "", label ? label : "");
	fflush(stdout);
}

void table_ratio(const struct result *result, const struct result *first)
{
	printf("#    bandwidth x%.2f, CPU x%.2f of the first plugin's\n",
	       first->seconds / result->seconds, result->cpu_seconds / first->cpu_seconds);
	fflush(stdout);
}

static void metrics_print(const struct metrics *metrics)
{
	const uint64_t *v = metrics->values;

	if (!metrics->present) {
		printf("#   the plugin left no counters\n");
		return;
	}
	printf("#   received       %" PRIu64 " bytes in device memory, %" PRIu64 " linear, %" PRIu64
	       " plain\n",
	       v[METRIC_RX_DEVICE], v[METRIC_RX_LINEAR], v[METRIC_RX_PLAIN]);
	printf("#   sent           %" PRIu64 " bytes from device memory, %" PRIu64
	       " copied by the host, %" PRIu64 " staged\n",
	       v[METRIC_TX_DEVICE], v[METRIC_TX_COPIED], v[METRIC_TX_STAGED]);
	printf("#   placed         %" PRIu64 " bytes by the device's copy engine, %" PRIu64
	       " by its kernels\n",
	       v[METRIC_PLACED], v[METRIC_UNPACKED]);
	printf("#   tokens         %" PRIu64 " taken, %" PRIu64 " returned\n",
	       v[METRIC_TOKENS_TAKEN], v[METRIC_TOKENS_RETURNED]);
	printf("#   requests       %" PRIu64 " sends, %" PRIu64 " receives\n", v[METRIC_SENDS],
	       v[METRIC_RECVS]);
}

static void print_bytes(const struct comm *comm, const struct totals *totals)
{
	printf("# where the bytes went (all ranks, all %" PRIu64
	       " %ss, those for warm-up and checks included)\n",
	       totals->runs, comm->args->collective->title);
	printf("#   through isend  %" PRIu64 " bytes in %" PRIu64 " messages, %" PRIu64
	       " of them empty; through irecv %" PRIu64 " bytes\n",
	       totals->bytes_sent, totals->messages, totals->empty_messages, totals->bytes_received);
	metrics_print(&totals->metrics);
}

static double sum_busbw(const struct results *results, const struct comm *comm)
{
	double sum = 0;

	for (unsigned int i = 0; i < results->n; i++)
		sum += result_busbw(&results->list[i], comm);
	return sum;
}

void table_end(const struct comm *comm, const struct results *out_of_place,
	       const struct results *in_place, const struct totals *totals, const char *label)
{
	unsigned int n = out_of_place->n + in_place->n;
	double sum = sum_busbw(out_of_place, comm) + sum_busbw(in_place, comm);

	if (label)
		printf("#\n# net plugin %s\n", label);
	printf("# Out of bounds values : %" PRIu64 " %s\n", totals->wrong,
	       totals->wrong    ? "FAILED"
	       : totals->checks ? "OK"
				: "(nothing was checked)");
	printf("# Avg bus bandwidth    : %g\n#\n", n ? sum / n : 0);
	if (comm->net->abi)
		print_bytes(comm, totals);
	printf("# what the timed %ss cost, over all ranks\n", comm->args->collective->title);
	printf("#   time           %.3f s of wall clock, %.3f s of CPU", totals->wall_seconds,
	       totals->cpu_seconds);
	if (totals->timed_bytes)
		printf(", %.3f s of CPU for each GB sent",
		       totals->cpu_seconds / ((double)totals->timed_bytes / 1e9));
	printf("\n#   retransmits    %" PRIu64 " TCP segments\n", totals->retransmits);
}

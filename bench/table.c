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

/* By what the collective is done: a net plugin, or MPI, whose memory is the host's. */
static void print_means(const struct comm *comm)
{
	if (comm->net->abi)
		printf("# net plugin %s, interface version %d, %d device%s, the first %s; FIFOs in %s\n",
		       comm->plugin_name, comm->net->abi, comm->devices,
		       comm->devices == 1 ? "" : "s", comm->device_name, fifos(comm));
	else
		printf("# %s without a net plugin, transports: %s%s\n", comm->plugin_name,
		       comm->device_name,
		       comm->far.exporter ? "; data is copied to host memory and back" : "");
}

void table_header(const struct comm *comm)
{
	const struct args *args = comm->args;

	printf("# %s over %d ranks, %u channel%s, %s%s, data in %s memory\n",
	       args->collective->title, comm->ranks, args->channels,
	       args->channels == 1 ? "" : "s", args->collective->reduces ? "sum of " : "",
	       args->element->name, devmem_mem_kind_name(args->memory));
	print_means(comm);
	if (args->random)
		printf("# %u %ss of random sizes, %" PRIu64 " to %" PRIu64
		       " bytes, seed %" PRIu64 ", each checked\n#\n",
		       args->random, args->collective->title, args->min_bytes, args->max_bytes, args->seed);
	else
		printf("# for each size %u timed after %u for warm-up, %u checked\n#\n",
		       args->iters, args->warmup, args->checks);
	printf("# %11s %12s %8s %6s %5s %10s %7s %7s %7s %10s\n", "size", "count", "type", "redop",
	       "root", "time", "algbw", "busbw", "#wrong", "cpu");
	printf("# %11s %12s %8s %6s %5s %10s %7s %7s %7s %10s\n", "(B)", "(elements)", "", "", "",
	       "(us)", "(GB/s)", "(GB/s)", "", "(us)");
	fflush(stdout);
}

void table_line(const struct result *result, const struct comm *comm)
{
	const struct collective *collective = comm->args->collective;
	char wrong[24] = "N/A";

	if (result->checked)
		snprintf(wrong, sizeof(wrong), "%" PRIu64, result->wrong);
	printf("%13" PRIu64 " %12" PRIu64 " %8s %6s %5d %10.2f %7.3f %7.3f %7s %10.1f\n",
	       result->bytes, result->count, comm->args->element->name,
	       collective->reduces ? "sum" : "none", collective->root, result->seconds * 1e6,
	       result_algbw(result), result_busbw(result, comm), wrong, result->cpu_seconds * 1e6);
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

void table_end(const struct result *results, unsigned int n, const struct comm *comm,
	       const struct totals *totals)
{
	double sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += result_busbw(&results[i], comm);
	printf("# Out of bounds values : %" PRIu64 " %s\n", totals->wrong,
	       totals->wrong    ? "FAILED"
	       : totals->checks ? "OK"
				: "(nothing was checked)");
	printf("# Avg bus bandwidth    : %g\n#\n", n ? sum / n : 0);
	if (comm->net->abi)
		print_bytes(comm, totals);
	printf("#   time           %.3f s of wall clock, %.3f s of CPU over all ranks (timed %ss)\n",
	       totals->wall_seconds, totals->cpu_seconds, comm->args->collective->title);
}

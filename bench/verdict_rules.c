// SPDX-License-Identifier: BSD-3-Clause
/* What must be true of a run over device memory TCP and of one over plain TCP. */
#include <inttypes.h>

#include "verdict.h"

struct verdict {
	FILE *out;
	const char *run;
	unsigned int failures;
};

static void must(struct verdict *verdict, bool holds, const char *what, uint64_t is,
		 const char *should, uint64_t limit)
{
	if (holds)
		return;
	verdict->failures++;
	fprintf(verdict->out, "%s: %s: %" PRIu64 ", must be %s %" PRIu64 "\n", verdict->run, what,
		is, should, limit);
}

static void must_be(struct verdict *verdict, const char *what, uint64_t is, uint64_t should)
{
	must(verdict, is == should, what, is, "exactly", should);
}

static void must_reach(struct verdict *verdict, const char *what, uint64_t is, uint64_t least)
{
	must(verdict, is >= least, what, is, "at least", least);
}

static void must_not_exceed(struct verdict *verdict, const char *what, uint64_t is, uint64_t most)
{
	must(verdict, is <= most, what, is, "at most", most);
}

/* True for every plugin and every network. */
static void check_results(struct verdict *verdict, const struct run_figures *run)
{
	must_reach(verdict, "runs whose result was checked", run->checks, 1);
	must_be(verdict, "wrong elements", run->wrong, 0);
	must_reach(verdict, "bytes through isend", run->bytes_sent, 1);
	if (run->sizes)
		must_be(verdict, "bytes through isend", run->bytes_sent, run->expected);
	must_be(verdict, "bytes through irecv", run->bytes_received, run->bytes_sent);
	must_reach(verdict, "files of the plugin's counters (0: it left none)",
		   run->metrics.present, 1);
	must_be(verdict, "send requests that the plugin counted", run->metrics.values[METRIC_SENDS],
		run->messages);
	must_be(verdict, "receive requests that the plugin counted",
		run->metrics.values[METRIC_RECVS], run->messages);
	must_be(verdict, "tokens returned", run->metrics.values[METRIC_TOKENS_RETURNED],
		run->metrics.values[METRIC_TOKENS_TAKEN]);
}

static void check_device_nic(struct verdict *verdict, const struct run_figures *run)
{
	must_reach(verdict, "bytes that NICs read from device memory", run->nic.tx_devmem,
		   run->bytes_sent);
	must_reach(verdict, "bytes that NICs wrote to device memory", run->nic.rx_devmem,
		   run->bytes_sent);
	must_not_exceed(verdict,
			"bytes that NICs wrote to device memory, after those that were read from it",
			run->nic.rx_devmem, run->nic.tx_devmem);
	must_be(verdict, "bytes that NICs left with the headers", run->nic.rx_linear, 0);
	must_be(verdict, "packets that NICs dropped", run->nic.drops, 0);
}

unsigned int verdict_devmem(const struct run_figures *run, FILE *out)
{
	struct verdict verdict = { .out = out, .run = "device memory run" };
	const uint64_t *values = run->metrics.values;

	check_results(&verdict, run);
	must_be(&verdict, "bytes received in device memory", values[METRIC_RX_DEVICE],
		run->bytes_sent);
	must_be(&verdict, "bytes sent from device memory", values[METRIC_TX_DEVICE], run->bytes_sent);
	must_be(&verdict, "bytes received linear", values[METRIC_RX_LINEAR], 0);
	must_be(&verdict, "bytes received plain", values[METRIC_RX_PLAIN], 0);
	must_be(&verdict, "bytes copied by the host", values[METRIC_TX_COPIED], 0);
	must_be(&verdict, "bytes staged in host memory", values[METRIC_TX_STAGED], 0);
	must_reach(&verdict, "tokens taken", values[METRIC_TOKENS_TAKEN], 1);
	if (run->has_nic)
		check_device_nic(&verdict, run);
	return verdict.failures;
}

unsigned int verdict_plain(const struct run_figures *run, FILE *out)
{
	struct verdict verdict = { .out = out, .run = "plain TCP run" };
	const uint64_t *values = run->metrics.values;

	check_results(&verdict, run);
	must_be(&verdict, "bytes received in device memory", values[METRIC_RX_DEVICE], 0);
	must_be(&verdict, "bytes sent from device memory", values[METRIC_TX_DEVICE], 0);
	must_be(&verdict, "bytes received linear", values[METRIC_RX_LINEAR], 0);
	must_be(&verdict, "bytes received plain", values[METRIC_RX_PLAIN], run->bytes_sent);
	must_be(&verdict, "bytes sent by way of host memory",
		values[METRIC_TX_COPIED] + values[METRIC_TX_STAGED],
		run->bytes_sent);
	if (run->has_nic) {
		must_be(&verdict, "bytes that NICs read from device memory", run->nic.tx_devmem, 0);
		must_be(&verdict, "bytes that NICs wrote to device memory", run->nic.rx_devmem, 0);
	}
	return verdict.failures;
}

// SPDX-License-Identifier: BSD-3-Clause
/* What is told of a transfer: how far it is, and at its end where the bytes went. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "figures.h"

#define PROGRESS_MS 1000
#define MB 1e6

struct figures {
	struct devmem_stream_stats stream;
	uint64_t placed, staged, sends, completions;
	double seconds, cpu_seconds, rx_mb_per_s, tx_mb_per_s;
};

/* One table for text and JSON. */
static const struct figure counts[] = {
#define COUNT(key, label, member)                            \
	{                                                    \
		key, label, offsetof(struct figures, member) \
	}
	COUNT("rx_device", "received in device memory", stream.rx_device),
	COUNT("rx_linear", "received linear (with the headers)", stream.rx_linear),
	COUNT("rx_plain", "received in host memory", stream.rx_plain),
	COUNT("rx_copied", "copied out of device memory", placed),
	COUNT("tx_device", "sent from device memory", stream.tx_device),
	COUNT("tx_plain", "sent from host memory", stream.tx_host_copied),
	COUNT("tx_copied", "copied to device memory", staged),
	COUNT("fragments", "fragments", stream.frags),
	COUNT("tokens_taken", "tokens taken", stream.tokens_taken),
	COUNT("tokens_returned", "tokens returned", stream.tokens_returned),
	COUNT("tx_sends", "zerocopy sends", sends),
	COUNT("tx_completions", "zerocopy completions (one may tell of many sends)", completions),
#undef COUNT
};

static const struct figure times[] = {
#define TIME(key, label, member)                             \
	{                                                    \
		key, label, offsetof(struct figures, member) \
	}
	TIME("seconds", "seconds", seconds),
	TIME("cpu_seconds", "CPU seconds", cpu_seconds),
	TIME("rx_mb_per_s", "MB/s received", rx_mb_per_s),
	TIME("tx_mb_per_s", "MB/s sent", tx_mb_per_s),
#undef TIME
};

static uint64_t received(const struct devmem_stream_stats *stats)
{
	return stats->rx_device + stats->rx_linear + stats->rx_plain;
}

static uint64_t sent(const struct devmem_stream_stats *stats)
{
	return stats->tx_device + stats->tx_host_copied;
}

static void collect(const struct session *session, struct figures *figures)
{
	*figures = (struct figures){
		.placed = session->in.placed,
		.staged = session->out.staged,
		.sends = session->out.sends,
		.completions = session->out.completions,
		.seconds = (double)(session->end_ms - session->begin_ms) / 1000,
		.cpu_seconds = figures_cpu_seconds(),
	};
	devmem_stream_stats_get(session->stream, &figures->stream);
	if (figures->seconds <= 0)
		return;
	figures->rx_mb_per_s = (double)received(&figures->stream) / MB / figures->seconds;
	figures->tx_mb_per_s = (double)sent(&figures->stream) / MB / figures->seconds;
}

static bool shows_progress(const struct session *session)
{
	return session->options->verbose && isatty(STDERR_FILENO);
}

void report_progress(const struct session *session, int64_t now_ms)
{
	static int64_t last_ms;
	struct devmem_stream_stats stats;

	if (now_ms - last_ms < PROGRESS_MS || !shows_progress(session))
		return;
	last_ms = now_ms;
	devmem_stream_stats_get(session->stream, &stats);
	fprintf(stderr, "\rreceived %.1f MB, sent %.1f MB in %.0f s ",
		(double)received(&stats) / MB, (double)sent(&stats) / MB,
		(double)(now_ms - session->begin_ms) / 1000);
}

void report_progress_end(const struct session *session)
{
	if (shows_progress(session))
		fprintf(stderr, "\n");
}

static json_t *json_head(const struct session *session, enum exit_status status)
{
	const struct window *window = session->link.window;

	return json_pack("{s:i, s:s, s:s?, s:o}", "status", (int)status, "memory",
			 devmem_mem_kind_name(devmem_exporter_kind(session->exporter)), "interface",
			 window ? window->nic.name : NULL, "rx_queue",
			 window ? json_integer(window_queue(window)) : json_null());
}

bool report_stats(const struct session *session, enum exit_status status)
{
	static const struct figures_table table = {counts, sizeof(counts) / sizeof(counts[0]),
						   times, sizeof(times) / sizeof(times[0])};
	struct figures figures;

	if (!session->options->stats && !session->options->json)
		return true;
	collect(session, &figures);
	return figures_print(session->options, json_head(session, status), &table, &figures);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The plugin's own counters: a reader for the part of Prometheus' text form that it writes. */
#include "metrics.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;	/* ours */
	const char *sample;	/* Prometheus' */
	const char *label;	/* that must be among the sample's; NULL for any */
} metrics_table[METRIC_COUNT] = {
	[METRIC_RX_DEVICE] = { "rx_device", "devmem_rx_bytes_total", "path=\"device\"" },
	[METRIC_RX_LINEAR] = { "rx_linear", "devmem_rx_bytes_total", "path=\"linear\"" },
	[METRIC_RX_PLAIN] = { "rx_plain", "devmem_rx_bytes_total", "path=\"plain\"" },
	[METRIC_TX_DEVICE] = { "tx_device", "devmem_tx_bytes_total", "path=\"device\"" },
	[METRIC_TX_COPIED] = { "tx_copied", "devmem_tx_bytes_total", "path=\"copied\"" },
	[METRIC_TX_STAGED] = { "tx_staged", "devmem_tx_bytes_total", "path=\"staged\"" },
	[METRIC_PLACED] = { "placed", "devmem_placed_bytes_total", NULL },
	[METRIC_UNPACKED] = { "unpacked", "devmem_unpacked_bytes_total", NULL },
	[METRIC_TOKENS_TAKEN] = { "tokens_taken", "devmem_tokens_taken_total", NULL },
	[METRIC_TOKENS_RETURNED] = { "tokens_returned", "devmem_tokens_returned_total", NULL },
	[METRIC_SENDS] = { "sends", "devmem_requests_total", "kind=\"send\"" },
	[METRIC_RECVS] = { "recvs", "devmem_requests_total", "kind=\"recv\"" },
};

const char *metric_name(enum metric metric)
{
	return metrics_table[metric].name;
}

static void add(struct metrics *metrics, const char *sample, const char *labels, uint64_t value)
{
	for (unsigned int i = 0; i < METRIC_COUNT; i++)
		if (strcmp(metrics_table[i].sample, sample) == 0 &&
		    (!metrics_table[i].label || strstr(labels, metrics_table[i].label)))
			metrics->values[i] += value;
}

/* name{labels} value */
static bool parse_line(char *line, struct metrics *metrics)
{
	static char none[] = "";
	char *space = strrchr(line, ' '), *brace, *end, *labels = none;
	unsigned long long value;

	if (!space || space == line || space[1] == '-')
		return false;
	*space = '\0';
	errno = 0;
	value = strtoull(space + 1, &end, 10);
	if (errno || end == space + 1 || *end)
		return false;
	brace = strchr(line, '{');
	if (brace) {
		if (space[-1] != '}')
			return false;
		*brace = '\0';
		labels = brace + 1;
	}
	add(metrics, line, labels, value);
	return true;
}

bool metrics_parse(char *text, struct metrics *metrics)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (line[0] && line[0] != '#' && !parse_line(line, metrics))
			return false;
	metrics->present = true;
	return true;
}

bool metrics_read(const char *dir, struct metrics *metrics)
{
	char path[PATH_MAX], text[16384];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/devmem-%d.prom", dir, (int)getpid());
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	return metrics_parse(text, metrics);
}

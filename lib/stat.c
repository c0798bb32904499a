// SPDX-License-Identifier: BSD-3-Clause
/* Where bytes went: the counters of a process, and their form for Prometheus' text file collector.
 */
#include "stat.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROWING (offsetof(struct stat_totals, pool_pages) / sizeof(uint64_t))

void stat_add_change(struct stat_totals *totals, const struct stat_totals *now,
		     struct stat_totals *told)
{
	uint64_t *to = (uint64_t *)totals, *before = (uint64_t *)told;
	const uint64_t *from = (const uint64_t *)now;

	for (size_t i = 0; i < GROWING; i++)
		if (from[i] != before[i])
			stat_add(&to[i], from[i] - before[i]);
	*told = *now;
}

void stat_add_received(struct stat_totals *now, const struct devmem_stream_stats *stream)
{
	now->rx_device += stream->rx_device;
	now->rx_linear += stream->rx_linear;
	now->rx_plain += stream->rx_plain;
	now->frags += stream->frags;
	now->tokens_taken += stream->tokens_taken;
	now->tokens_returned += stream->tokens_returned;
}

void stat_pool(struct stat_totals *totals, uint64_t pages, uint64_t low)
{
	uint64_t least = __atomic_load_n(&totals->pool_low_pages, __ATOMIC_RELAXED);

	if (!__atomic_exchange_n(&totals->pool_pages, pages, __ATOMIC_RELAXED) || low < least)
		__atomic_store_n(&totals->pool_low_pages, low, __ATOMIC_RELAXED);
}

#define AT(member) offsetof(struct stat_totals, member)

/* The lines of the file, those of one family together. */
static const struct {
	const char *family, *labels, *type;
	size_t offset;
} lines[] = {
	{"devmem_rx_bytes_total", "{path=\"device\"}", "counter", AT(rx_device)},
	{"devmem_rx_bytes_total", "{path=\"linear\"}", "counter", AT(rx_linear)},
	{"devmem_rx_bytes_total", "{path=\"plain\"}", "counter", AT(rx_plain)},
	{"devmem_tx_bytes_total", "{path=\"device\"}", "counter", AT(tx_device)},
	{"devmem_tx_bytes_total", "{path=\"copied\"}", "counter", AT(tx_copied)},
	{"devmem_tx_bytes_total", "{path=\"staged\"}", "counter", AT(tx_staged)},
	{"devmem_placed_bytes_total", "", "counter", AT(placed)},
	{"devmem_unpacked_bytes_total", "", "counter", AT(unpacked)},
	{"devmem_copy_ns_total", "", "counter", AT(copy_ns)},
	{"devmem_frags_total", "", "counter", AT(frags)},
	{"devmem_tokens_taken_total", "", "counter", AT(tokens_taken)},
	{"devmem_tokens_returned_total", "", "counter", AT(tokens_returned)},
	{"devmem_requests_total", "{kind=\"send\"}", "counter", AT(sends)},
	{"devmem_requests_total", "{kind=\"recv\"}", "counter", AT(recvs)},
	{"devmem_fallbacks_total", "", "counter", AT(fallbacks)},
	{"devmem_pool_pages", "", "gauge", AT(pool_pages)},
	{"devmem_pool_pages_low", "", "gauge", AT(pool_low_pages)},
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static uint64_t *value_of(struct stat_totals *totals, size_t i)
{
	return (uint64_t *)((char *)totals + lines[i].offset);
}

static void print_all(FILE *file, const struct stat_totals *totals)
{
	for (size_t i = 0; i < LINES; i++) {
		uint64_t *value = value_of((struct stat_totals *)totals, i);

		if (!i || strcmp(lines[i].family, lines[i - 1].family))
			fprintf(file, "# TYPE %s %s\n", lines[i].family, lines[i].type);
		fprintf(file, "%s%s %" PRIu64 "\n", lines[i].family, lines[i].labels,
			__atomic_load_n(value, __ATOMIC_RELAXED));
	}
}

static bool is_name(size_t i, const char *name)
{
	size_t length = strlen(lines[i].family);

	return !strncmp(name, lines[i].family, length) && !strcmp(name + length, lines[i].labels);
}

static int parse_line(char *line, struct stat_totals *totals)
{
	char *space = strrchr(line, ' '), *end;
	unsigned long long value;

	if (!*line || *line == '#')
		return 0;
	if (!space || !isdigit((unsigned char)space[1]))
		return -EPROTO;
	*space = '\0';
	errno = 0;
	value = strtoull(space + 1, &end, 10);
	if (*end || errno)
		return -EPROTO;
	for (size_t i = 0; i < LINES; i++)
		if (is_name(i, line))
			*value_of(totals, i) = value;
	return 0;
}

int stat_parse(char *text, struct stat_totals *totals)
{
	char *line;
	int ret = 0;

	*totals = (struct stat_totals){0};
	while (!ret && (line = strsep(&text, "\n")))
		ret = parse_line(line, totals);
	return ret;
}

int stat_write(const struct stat_totals *totals, const char *dir)
{
	char path[PATH_MAX], final[PATH_MAX];
	FILE *file;
	int ret = 0;

	if (snprintf(final, sizeof(final), "%s/devmem-%d.prom", dir, (int)getpid()) >=
		    (int)sizeof(final) ||
	    /* Of its own, since a process may have loaded the plugin twice. */
	    snprintf(path, sizeof(path), "%s/.devmem-%d-%p.new", dir, (int)getpid(),
		     (const void *)totals) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "we");
	if (!file)
		return -errno;
	print_all(file, totals);
	if (ferror(file))
		ret = -EIO;
	if (fclose(file) && !ret)
		ret = -errno;
	if (!ret && rename(path, final))
		ret = -errno;
	return ret;
}

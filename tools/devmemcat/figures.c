// SPDX-License-Identifier: BSD-3-Clause
/* Figures at the end, as text or as JSON, from tables that name them. */
#include "figures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static uint64_t count_at(const void *numbers, size_t offset)
{
	return *(const uint64_t *)((const char *)numbers + offset);
}

static double time_at(const void *numbers, size_t offset)
{
	return *(const double *)((const char *)numbers + offset);
}

double figures_cpu_seconds(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_text(const struct figures_table *table, const void *numbers)
{
	for (size_t i = 0; i < table->n_counts; i++)
		fprintf(stderr, "  %-50s %20" PRIu64 "\n", table->counts[i].label,
			count_at(numbers, table->counts[i].offset));
	for (size_t i = 0; i < table->n_times; i++)
		fprintf(stderr, "  %-50s %20.3f\n", table->times[i].label,
			time_at(numbers, table->times[i].offset));
}

static void add_all(json_t *root, const struct figures_table *table, const void *numbers)
{
	for (size_t i = 0; i < table->n_counts; i++)
		json_object_set_new(
			root, table->counts[i].key,
			json_integer((json_int_t)count_at(numbers, table->counts[i].offset)));
	for (size_t i = 0; i < table->n_times; i++)
		json_object_set_new(root, table->times[i].key,
				    json_real(time_at(numbers, table->times[i].offset)));
}

static bool write_json(const char *path, const json_t *root)
{
	FILE *file = path ? fopen(path, "we") : stderr;
	bool good;

	if (!file) {
		fprintf(stderr, "devmemcat: cannot write %s: %s\n", path, strerror(errno));
		return false;
	}
	good = root && !json_dumpf(root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) &&
	       fputc('\n', file) != EOF;
	if (path)
		good = !fclose(file) && good;
	if (!good)
		fprintf(stderr, "devmemcat: cannot write %s\n", path ? path : "to stderr");
	return good;
}

bool figures_print(const struct options *options, json_t *head, const struct figures_table *table,
		   const void *numbers)
{
	bool good = true;

	if (options->json) {
		add_all(head, table, numbers);
		good = write_json(options->json_file, head);
	} else if (options->stats) {
		print_text(table, numbers);
	}
	json_decref(head);
	return good;
}

// SPDX-License-Identifier: BSD-3-Clause
/* What ranks do not have alike: finding it, and telling it in words. */
#include "differences.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RANKS_NAMED 8	/* in a line; more are counted */

/* What is each machine's or each process' own. */
static bool is_natural(const char *name)
{
	static const char *const names[] = {
		"device", "plugin_file",
		"NCCL_SOCKET_IFNAME", "NCCL_DEVMEM_IFNAME", "NCCL_IB_HCA", "NCCL_HOSTID",
		"NCCL_DEBUG", "NCCL_DEBUG_SUBSYS", "NCCL_DEBUG_FILE", "NCCL_DEVMEM_METRICS",
		"NCCL_TOPO_FILE", "NCCL_TOPO_DUMP_FILE", "NCCL_GRAPH_FILE", "NCCL_GRAPH_DUMP_FILE",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static unsigned int count(const struct difference *difference, const char *value)
{
	unsigned int n = 0;

	for (unsigned int r = 0; r < difference->ranks; r++)
		n += same(difference->values[r], value);
	return n;
}

/* False when all ranks have @difference->name alike. */
static bool differs(const struct facts *facts, struct difference *difference)
{
	unsigned int most = 0;

	for (unsigned int r = 0; r < difference->ranks; r++)
		difference->values[r] = facts_get(&facts[r], difference->name);
	if (count(difference, difference->values[0]) == difference->ranks)
		return false;
	for (unsigned int r = 0; r < difference->ranks; r++) {
		unsigned int n = count(difference, difference->values[r]);

		if (n > most)
			difference->common = difference->values[r];
		most = n > most ? n : most;
	}
	difference->natural = is_natural(difference->name);
	return true;
}

/* A name is looked at where the first rank has it. */
static bool is_first(const struct facts *facts, unsigned int rank, const char *name)
{
	for (unsigned int r = 0; r < rank; r++)
		if (facts_get(&facts[r], name))
			return false;
	return true;
}

int differences_each(const struct facts *facts, unsigned int ranks,
		     void (*found)(const struct difference *difference, void *arg), void *arg)
{
	struct difference difference = { .ranks = ranks };

	difference.values = calloc(ranks, sizeof(*difference.values));
	if (!difference.values)
		return -ENOMEM;
	for (unsigned int r = 0; r < ranks; r++) {
		for (const char *entry = NULL; (entry = facts_next(&facts[r], entry));) {
			snprintf(difference.name, sizeof(difference.name), "%.*s",
				 (int)strcspn(entry, "="), entry);
			if (is_first(facts, r, difference.name) && differs(facts, &difference))
				found(&difference, arg);
		}
	}
	free(difference.values);
	return 0;
}

struct printer {
	FILE *out;
	const char *const *hosts;
	unsigned int naturals;
};

static const char *word(const char *value)
{
	return value ? value : "unset";
}

/* The line of the ranks that have what rank @first has. */
static void print_value(const struct printer *printer, const struct difference *difference,
			unsigned int first)
{
	const char *value = difference->values[first];
	unsigned int n = count(difference, value), named = 0;

	fprintf(printer->out, "# rank%s ", n == 1 ? "" : "s");
	for (unsigned int r = first; r < difference->ranks && named < RANKS_NAMED; r++)
		if (same(difference->values[r], value))
			fprintf(printer->out, "%s%u (%s)", named++ ? ", " : "", r, printer->hosts[r]);
	if (n > named)
		fprintf(printer->out, " and %u more", n - named);
	fprintf(printer->out, ": %s%s%s, %s %s\n", difference->name, value ? "=" : " ", word(value),
		n + count(difference, difference->common) == difference->ranks ? "others" : "most",
		word(difference->common));
}

static bool is_first_value(const struct difference *difference, unsigned int rank)
{
	for (unsigned int r = 0; r < rank; r++)
		if (same(difference->values[r], difference->values[rank]))
			return false;
	return true;
}

static void print_mistake(const struct difference *difference, void *arg)
{
	for (unsigned int r = 0; r < difference->ranks && !difference->natural; r++)
		if (!same(difference->values[r], difference->common) && is_first_value(difference, r))
			print_value(arg, difference, r);
}

static void print_natural(const struct difference *difference, void *arg)
{
	struct printer *printer = arg;

	if (!difference->natural)
		return;
	fprintf(printer->out, "%s%s",
		printer->naturals++ ? ", " : "# not the same on all ranks, nor need it be: ",
		difference->name);
}

int differences_print(FILE *out, const struct facts *facts, const char *const *hosts,
		      unsigned int ranks)
{
	struct printer printer = { .out = out, .hosts = hosts };
	int ret = differences_each(facts, ranks, print_mistake, &printer);

	if (!ret)
		ret = differences_each(facts, ranks, print_natural, &printer);
	if (printer.naturals)
		fprintf(out, "\n");
	return ret;
}

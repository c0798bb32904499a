/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures at the end, as text or as JSON, from tables that name them. */
#ifndef DEVMEMCAT_FIGURES_H
#define DEVMEMCAT_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "options.h"

struct figure {
	const char *key, *label;
	size_t offset; /* in the structure that has the numbers */
};

struct figures_table {
	const struct figure *counts; /* uint64_t */
	size_t n_counts;
	const struct figure *times; /* double */
	size_t n_times;
};

/* Writes the figures of @numbers as the options want them; @head is what JSON begins with, and is
 * consumed. False, after a message, when they cannot be written. */
bool figures_print(const struct options *options, json_t *head, const struct figures_table *table,
		   const void *numbers);
/* CPU time of this process. */
double figures_cpu_seconds(void);

#endif

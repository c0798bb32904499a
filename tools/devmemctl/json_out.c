// SPDX-License-Identifier: BSD-3-Clause
/* Prints an object of JSON. */
#include "json_out.h"

int json_out(FILE *file, json_t *object, bool one_line)
{
	size_t flags = JSON_REAL_PRECISION(9) | (one_line ? JSON_COMPACT : JSON_INDENT(2));
	int ret = object ? json_dumpf(object, file, flags) : -1;

	json_decref(object);
	return ret || fputc('\n', file) == EOF || fflush(file) ? -1 : 0;
}

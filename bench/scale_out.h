/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables whose every line begins with the word model. */
#ifndef BENCH_SCALE_OUT_H
#define BENCH_SCALE_OUT_H

#include <libsmartcols.h>

#define OUT_CELL 96
#define OUT_COLUMNS 8u

struct out {
	struct libscols_table *table;
	unsigned int columns;
	int error; /* the first, which keeps what follows from being printed */
};

struct out_row {
	char cells[OUT_COLUMNS][OUT_CELL];
};

/* @titles: of @n columns, at most OUT_COLUMNS; all but those of @left (bit i: column i) are
 * numbers. */
void out_begin(struct out *out, const char *const *titles, unsigned int n, unsigned int left);
void out_row(struct out *out, const struct out_row *row);
/* Prints the table and frees it: 0 or -errno. */
int out_end(struct out *out);

/* Bytes as sizes are given: 8, 64K, 1G. Returns @text. */
const char *out_size(double bytes, char text[OUT_CELL]);

#endif

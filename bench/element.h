/* SPDX-License-Identifier: BSD-3-Clause */
/* Element types: their sum, and the data pattern by which every rank checks every byte of a result. */
#ifndef BENCH_ELEMENT_H
#define BENCH_ELEMENT_H

#include <stddef.h>
#include <stdint.h>

/* Where a row of elements comes from: from @first on, the sum over @ranks ranks from @rank on. */
struct origin {
	unsigned int rank, ranks;
	size_t first;
};

struct element {
	const char *name;	/* as nccl-tests names the type */
	size_t size;
	/* dst = a + b, @n elements; dst may be a or b. */
	void (*sum)(void *dst, const void *a, const void *b, size_t n);
	/* What @rank contributes in @round. */
	void (*fill)(void *dst, size_t n, unsigned int rank, uint32_t round);
	/* Elements of @data that are not exactly what @origin says; the first one's index in *@first. */
	size_t (*wrong)(const void *data, size_t n, const struct origin *origin, uint32_t round,
			size_t *first);
};

/* NULL when @name is none. */
const struct element *element_find(const char *name);
/* All names, with commas between. */
const char *element_names(void);

#endif

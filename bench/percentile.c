// SPDX-License-Identifier: BSD-3-Clause
/* Order statistics of a set of samples. */
#include "percentile.h"

#include <stdlib.h>

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void sort_u64(uint64_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_u64);
}

uint64_t percentile(const uint64_t *sorted, size_t n, unsigned int permille)
{
	size_t rank;

	if (n == 0)
		return 0;
	rank = (n * permille + 999) / 1000;
	return sorted[rank ? rank - 1 : 0];
}

double median(double *values, size_t n)
{
	if (n == 0)
		return 0;
	qsort(values, n, sizeof(*values), compare_double);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

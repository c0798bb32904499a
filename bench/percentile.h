/* SPDX-License-Identifier: BSD-3-Clause */
/* Order statistics of a set of samples. */
#ifndef BENCH_PERCENTILE_H
#define BENCH_PERCENTILE_H

#include <stddef.h>
#include <stdint.h>

void sort_u64(uint64_t *values, size_t n);
/* The smallest of the @n sorted values that at least @permille of 1,000 do not exceed; 0 when @n is
 * 0. */
uint64_t percentile(const uint64_t *sorted, size_t n, unsigned int permille);
/* Median, the mean of the two in the middle where @n is even; sorts @values in place; 0 when @n is
 * 0. */
double median(double *values, size_t n);

#endif

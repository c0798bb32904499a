/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte counts as nccl-tests takes them (8, 64K, 1M, 2G), and random ones. */
#ifndef BENCH_SIZE_H
#define BENCH_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Parses @text; false when it is no size or does not fit 63 bits. */
bool size_parse(const char *text, uint64_t *bytes);

/* A generator for sizes that are the same on every rank (splitmix64). */
uint64_t random_next(uint64_t *state);
/* A size in [@min, @max], every power of two as likely as the next. @min is 1 or greater. */
uint64_t random_size(uint64_t *state, uint64_t min, uint64_t max);

#endif

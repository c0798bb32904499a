/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rank is and was told, as NAME=VALUE: what the results hold for, and what ranks are compared by. */
#ifndef BENCH_FACTS_H
#define BENCH_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Entries that end with NUL each, one after the other, so that they can be sent as they are. All zero: none. */
struct facts {
	char *text;
	size_t size;		/* bytes */
	bool incomplete;	/* memory ran out */
};

#define FACTS_VARIABLES "NCCL_"	/* NCCL's and, as NCCL_DEVMEM_*, our plugin's */

/* A @value of NULL is not added. */
void facts_add(struct facts *facts, const char *name, const char *value);
void facts_add_number(struct facts *facts, const char *name, long value);
/* Every NCCL_* of @environ, sorted. */
void facts_add_variables(struct facts *facts, char **environ);
/* The value of @name, or NULL. */
const char *facts_get(const struct facts *facts, const char *name);
/* The entry after @entry, or the first for NULL; NULL after the last. */
const char *facts_next(const struct facts *facts, const char *entry);
/* The same for ranks that are alike. */
uint64_t facts_digest(const struct facts *facts);
/* Adds @n bytes to a digest, which begins as 0. */
uint64_t digest_add(uint64_t digest, const void *bytes, size_t n);
void facts_free(struct facts *facts);

#endif

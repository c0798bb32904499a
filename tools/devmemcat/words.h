/* SPDX-License-Identifier: BSD-3-Clause */
/* Options' values in a program's command line; wrong ones end it with what would be right. */
#ifndef DEVMEMCAT_WORDS_H
#define DEVMEMCAT_WORDS_H

#include <argp.h>

#include "devmem.h"

/* A whole number from @min to @max. */
uint64_t words_number(struct argp_state *state, const char *name, const char *text, uint64_t min,
		      uint64_t max);
/* Bytes, @min or more. */
uint64_t words_size(struct argp_state *state, const char *name, const char *text, uint64_t min);
/* A kind of memory; *@any is set for "auto", and @kind is left then. */
void words_kind(struct argp_state *state, const char *text, bool *any, enum devmem_mem_kind *kind);
/* For struct argp: completes the end of --help by the kinds of memory that the library has. */
char *words_help_filter(int key, const char *text, void *input);

#endif

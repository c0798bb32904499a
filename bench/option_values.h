/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of options, as all benches take them; what is none ends the process with how to give one. */
#ifndef BENCH_OPTION_VALUES_H
#define BENCH_OPTION_VALUES_H

#include <argp.h>
#include <stdint.h>

#include "devmem.h"
#include "plugin_spec.h"

/* @name is the option's. */
unsigned int option_number(struct argp_state *state, const char *name, const char *text,
			   unsigned int min, unsigned int max);
/* Bytes, one or more: 8, 64K, 1M. */
uint64_t option_size(struct argp_state *state, const char *name, const char *text);
enum devmem_mem_kind option_memory(struct argp_state *state, const char *name, const char *text);
/* One more of --plugin at the end of @list. */
void option_plugin(struct argp_state *state, const char *text, struct plugin_spec *list,
		   unsigned int *n);

#endif

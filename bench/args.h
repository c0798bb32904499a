/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of all collectives, named as in nccl-tests where it has them. */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include <stdint.h>

#include "collective.h"
#include "devmem.h"
#include "element.h"
#include "fifo.h"
#include "plugin_spec.h"

#define REPEATS_MAX 101

enum flush_mode {
	FLUSH_AUTO,	/* when the plugin's properties ask for it */
	FLUSH_ALWAYS,
	FLUSH_NEVER,
};

struct args {
	const struct collective *collective;
	uint64_t min_bytes, max_bytes;
	uint64_t step_bytes;		/* 0: multiply by factor */
	unsigned int factor;
	unsigned int iters, warmup, checks;
	unsigned int channels;
	const struct element *element;
	const struct fifo_shape *shape;
	struct plugin_spec plugins[PLUGINS_MAX];
	unsigned int n_plugins;
	unsigned int repeat;		/* times that iters are timed */
	int abi;			/* 0: the highest */
	enum devmem_mem_kind memory;
	enum flush_mode flush;
	unsigned int root;
	bool blocking;			/* wait for each run before the next is launched */
	bool in_place;			/* also with one buffer */
	unsigned int random; /* runs of random sizes; 0: go through the sizes in order */
	uint64_t seed;
	unsigned int timeout;		/* seconds */
	const char *json;		/* NULL: none */
};

/* Parses the command line; prints and exits on --help and on what it does not understand. Defaults are those of @collective. */
void args_parse(int argc, char **argv, const struct collective *collective, struct args *args);
void args_free(struct args *args);

#endif
